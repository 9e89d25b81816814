// A classic script in the head: the theme is known before the first paint, so nothing flashes.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const remembered = () => {
    try {
      return localStorage.getItem("thaw-theme");
    } catch {
      return null; // storage is switched off: the system's choice stands
    }
  };
  const isDark = () =>
    (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  if (["dark", "light"].includes(remembered())) root.dataset.theme = remembered();

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} theme`);
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      label();
      try {
        localStorage.setItem("thaw-theme", root.dataset.theme);
      } catch {
        // as above: the choice lasts for this visit
      }
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
    label();
  });
})();
