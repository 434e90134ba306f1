/* Light or dark as chosen; as the system has it until then. Runs before the page is drawn. */
(function () {
  "use strict";
  var root = document.documentElement;
  var key = "filmledger-theme";

  function stored() {
    try {
      return localStorage.getItem(key);
    } catch (refused) {
      return null; // files opened from disk may have no storage
    }
  }

  function current() {
    var chosen = root.getAttribute("data-theme");
    if (chosen) {
      return chosen;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  var before = stored();
  if (before === "dark" || before === "light") {
    root.setAttribute("data-theme", before);
  }

  document.addEventListener("DOMContentLoaded", function () {
    var button = document.getElementById("theme");
    if (!button) {
      return;
    }

    function say() {
      button.textContent = current() === "dark" ? "Light" : "Dark";
      button.setAttribute("aria-label", "Switch to " + button.textContent.toLowerCase() + " colours");
    }

    button.hidden = false;
    say();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", say);
    button.addEventListener("click", function () {
      var next = current() === "dark" ? "light" : "dark";
      root.setAttribute("data-theme", next);
      try {
        localStorage.setItem(key, next);
      } catch (refused) {
        /* it holds for this page then */
      }
      say();
    });
  });
})();
