// Everything works without this file. It installs the offline page and takes the focus to what htmx put in.
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/service-worker.js");
document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target.querySelector("[data-focus]");
  if (target) target.focus();
});
