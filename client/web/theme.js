/* theme.js - the reader's choice of colours, before anything is drawn (so it is no module) */
try {
  const chosen = localStorage.getItem("parley.theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
} catch {
  /* no storage: as the system says */
}
