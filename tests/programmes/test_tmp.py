from datetime import timedelta
from dataclasses import replace
from concurrent.futures import ThreadPoolExecutor
import threading, time, json
import pytest
from django.db import connection, transaction
from selbsthelfer.programmes.core.definition import load_preset
from tests.programmes.events import Line, instant, Event
from tests.programmes.outcomes import *
pytestmark = pytest.mark.django_db(transaction=True)
D=[load_preset("o2-2017")]
NOW=instant("2026-07-01")

def in_thread(f):
    try:
        return f()
    finally:
        connection.close()

def test_park_race():
    publish_all(D)
    line=Line()
    reg=line.registers("2025-01-01"); act=line.does("2025-01-02")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            print(deliver([reg],now=NOW))
            fut=pool.submit(in_thread, lambda: deliver([act],now=NOW))
            try: print(fut.result(timeout=2))
            except TimeoutError: print("B waits")
        print(fut.result(timeout=10))
    with connection.cursor() as c:
        c.execute("select count(*) from intake_parked"); print("parked", c.fetchone())
        c.execute("select count(*) from activities_activity"); print("activities", c.fetchone())
    assert 0
def test_double_registration():
    publish_all(D)
    line=Line()
    reg=line.registers("2025-01-01"); act=line.does("2025-01-02")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            print(deliver([reg],now=NOW))
            fut=pool.submit(in_thread, lambda: deliver([reg,act],now=NOW))
            try: print(fut.result(timeout=2))
            except TimeoutError: print("B waits")
        print(fut.result(timeout=10))
def test_registrations_crosswise():
    publish_all(D)
    lines=[Line(f"l{i}") for i in range(2000)]
    for l in lines: l.registers("2025-01-01")
    ev=[e for l in lines for e in l.events]
    with ThreadPoolExecutor(2) as pool:
        a=pool.submit(in_thread, lambda: deliver(ev,now=NOW).counts)
        b=pool.submit(in_thread, lambda: deliver(ev[::-1],now=NOW).counts)
        print(a.exception(), b.exception())
    assert 0
def test_rejects_crosswise():
    bad=[Event("selfservice.finished",f"x{i}",instant("2025-01-01"),{"activity":"no.such","outcome":"failed"},subject="l") for i in range(4000)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            a=pool.submit(in_thread, lambda: deliver(bad,now=NOW).counts)
            b=pool.submit(in_thread, lambda: deliver(bad[::-1],now=NOW).counts)
            print(a.exception(), b.exception())
    assert 0
def test_park_crosswise():
    ev=[Event("selfservice.finished",f"x{i}",instant("2025-01-01"),{"activity":"call.voicemail","outcome":"failed"},subject=f"l{i}") for i in range(4000)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            a=pool.submit(in_thread, lambda: deliver(ev,now=NOW).counts)
            b=pool.submit(in_thread, lambda: deliver(ev[::-1],now=NOW).counts)
            print(a.exception(), b.exception())
    assert 0
