/* Search, filters, sorting and the two views of a list of films. All of it is on the page already. */
(function () {
  "use strict";
  var form = document.getElementById("controls");
  var wall = document.getElementById("films");
  if (!form || !wall) {
    return;
  }
  var cards = Array.prototype.slice.call(wall.children);
  var count = document.getElementById("count");
  var nothing = document.getElementById("nothing");
  var fields = form.elements;

  /* Each sort order: the attribute, and whether the largest comes first. Films without a value stand last. */
  var orders = {
    rank: ["rank", false],
    rating: ["rating", true],
    votes: ["votes", true],
    metascore: ["metascore", true],
    newest: ["year", true],
    oldest: ["year", false],
    longest: ["minutes", true],
    shortest: ["minutes", false],
    moved: ["climbed", true],
    title: ["title", false]
  };

  function plain(text) {
    return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  }

  function compare(name, largestFirst) {
    return function (a, b) {
      var x = a.dataset[name];
      var y = b.dataset[name];
      var order = 0;
      if (x === undefined || y === undefined) {
        order = (x === undefined) - (y === undefined);
      } else if (name === "title") {
        order = x < y ? -1 : x > y ? 1 : 0;
      } else {
        order = largestFirst ? y - x : x - y;
      }
      return order || a.dataset.place - b.dataset.place;
    };
  }

  function shows(card, words, genre, decade, move) {
    return (
      words.every(function (word) {
        return card.dataset.text.indexOf(word) >= 0;
      }) &&
      (!genre || card.dataset.genres.split("|").indexOf(genre) >= 0) &&
      (!decade || card.dataset.decade === decade) &&
      (!move || card.dataset.move === move)
    );
  }

  function value(name) {
    return fields[name] ? fields[name].value : "";
  }

  function update() {
    var words = plain(value("search")).split(/\s+/).filter(Boolean);
    var order = orders[value("sort")] || orders.rank;
    var filtered = cards.filter(function (card) {
      return shows(card, words, value("genre"), value("decade"), value("move"));
    });
    filtered.sort(compare(order[0], order[1]));
    cards.forEach(function (card) {
      card.classList.remove("first");
    });
    if (filtered.length) {
      filtered[0].classList.add("first");
    }
    wall.replaceChildren.apply(wall, filtered);
    nothing.hidden = filtered.length > 0;
    count.textContent =
      filtered.length === cards.length ? cards.length + " films" : filtered.length + " of " + cards.length + " films";
  }

  function show(view) {
    wall.classList.toggle("ledger", view === "ledger");
    Array.prototype.forEach.call(form.querySelectorAll("[data-view]"), function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    });
  }

  form.hidden = false;
  form.addEventListener("submit", function (event) {
    event.preventDefault();
  });
  form.addEventListener("input", update);
  form.addEventListener("change", update);
  form.addEventListener("reset", function () {
    setTimeout(update);
  });
  form.addEventListener("click", function (event) {
    var button = event.target.closest("[data-view]");
    if (button) {
      show(button.dataset.view);
    }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && !/^(input|select|textarea)$/i.test(document.activeElement.tagName)) {
      event.preventDefault();
      fields.search.focus();
    }
  });
  window.addEventListener("pageshow", update); // a browser may bring back what was chosen before
})();
