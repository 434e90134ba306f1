/* Light or dark: the visitor's choice, else the system's. Runs before the page is drawn. Also the menu of small screens,
   what the search and the filters share, and the loading of posters. */
/* Lower case without accents, as `searchable` in formats.py; letters that Unicode does not take apart by a list. */
window.plainText = function (text) {
  "use strict";
  var base = { "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th" };
  return text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").replace(/[øłđðħıæœßþ]/g, function (letter) {
    return base[letter];
  });
};
(function () {
  "use strict";
  var root = document.documentElement;
  var key = "filmledger-theme";

  function stored() {
    try {
      return localStorage.getItem(key);
    } catch (refused) {
      return null; // pages opened from disk may have no storage
    }
  }

  function current() {
    var chosen = root.getAttribute("data-theme");
    if (chosen) {
      return chosen;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  root.classList.add("js");
  var before = stored();
  if (before === "dark" || before === "light") {
    root.setAttribute("data-theme", before);
  }

  /* Browsers load lazy pictures several screens ahead; these are loaded a quarter of a screen ahead. */
  function loadWhenNear() {
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting) {
          entry.target.classList.add("near");
          observer.unobserve(entry.target);
        }
      });
    }, { rootMargin: "25%" });
    document.querySelectorAll(".poster").forEach(function (poster) {
      observer.observe(poster);
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    loadWhenNear();
    var opener = document.getElementById("open-menu");
    var menu = document.getElementById("menu");
    if (opener && menu) {
      opener.hidden = false;
      opener.addEventListener("click", function () {
        var open = menu.classList.toggle("open");
        opener.setAttribute("aria-expanded", String(open));
      });
    }
    var button = document.getElementById("theme");
    if (!button) {
      return;
    }

    function label() {
      button.textContent = current() === "dark" ? "Light" : "Dark";
      button.setAttribute("aria-label", "Switch to " + button.textContent.toLowerCase() + " colours");
    }

    button.hidden = false;
    label();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
    button.addEventListener("click", function () {
      var next = current() === "dark" ? "light" : "dark";
      root.setAttribute("data-theme", next);
      try {
        localStorage.setItem(key, next);
      } catch (refused) {
        /* then the choice holds for this page only */
      }
      label();
    });
  });
})();
