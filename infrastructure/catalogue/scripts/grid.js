/* Filters, orders and the two views of a page of films. All films are on the page; the choices are in its address. */
(function () {
  "use strict";
  var form = document.getElementById("controls");
  var grid = document.getElementById("films");
  if (!form || !grid) {
    return;
  }
  var cards = Array.prototype.slice.call(grid.children);
  var count = document.getElementById("count");
  var nothing = document.getElementById("nothing");
  var sheet = document.getElementById("sheet");
  var opener = document.getElementById("open-filters");
  var fields = form.elements;
  var names = ["filter", "genre", "decade", "move", "sort"];
  var lead = cards[0];
  var factsMade = false;

  /* Each order: the attribute, and whether the largest comes first. Films without a value are last. */
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

  cards.forEach(function (card, place) {
    card.place = place;
    card.title_ = plainText(card.querySelector("h2").textContent.trim());
    card.text = card.title_ + " " + (card.dataset.year || "") + " " + (card.dataset.text || "");
  });

  function value(name) {
    return fields[name] ? fields[name].value : "";
  }

  function property(card, name) {
    return name === "title" ? card.title_ : card.dataset[name];
  }

  function compare(name, largestFirst) {
    return function (a, b) {
      var x = property(a, name);
      var y = property(b, name);
      var order = 0;
      if (x === undefined || y === undefined) {
        order = (x === undefined) - (y === undefined);
      } else if (name === "title") {
        order = x < y ? -1 : x > y ? 1 : 0;
      } else {
        order = largestFirst ? y - x : x - y;
      }
      return order || a.place - b.place;
    };
  }

  function shows(card, words, genre, decade, move) {
    return (
      words.every(function (word) {
        return card.text.indexOf(word) >= 0;
      }) &&
      (!genre || (card.dataset.genres || "").split("|").indexOf(genre) >= 0) &&
      (!decade || Math.floor(card.dataset.year / 10) * 10 + "s" === decade) &&
      (!move || card.dataset.move === move)
    );
  }

  function update() {
    var words = plainText(value("filter")).split(/\s+/).filter(Boolean);
    var order = orders[value("sort")] || orders.rank;
    var filtered = cards.filter(function (card) {
      return shows(card, words, value("genre"), value("decade"), value("move"));
    });
    filtered.sort(compare(order[0], order[1]));
    if (grid.classList.contains("lead")) {
      /* The large card is the one with the large picture, and only while it comes first. */
      lead.classList.toggle("first", filtered[0] === lead);
    }
    grid.replaceChildren.apply(grid, filtered);
    nothing.hidden = filtered.length > 0;
    count.textContent =
      filtered.length === cards.length ? cards.length + (cards.length === 1 ? " film" : " films")
        : filtered.length + " of " + cards.length + " films";
    opener.classList.toggle("active", Boolean(value("genre") || value("decade") || value("move")));
  }

  /* Details that only the list shows. */
  function makeFacts() {
    factsMade = true;
    cards.forEach(function (card) {
      var data = card.dataset;
      var parts = [];
      if (data.minutes) {
        var hours = Math.floor(data.minutes / 60);
        var rest = data.minutes % 60;
        parts.push((hours ? hours + "h" : "") + (hours && rest ? " " : "") + (rest || !hours ? rest + "m" : ""));
      }
      parts = parts.concat(data.genres ? data.genres.split("|") : []);
      if (data.votes > 0) {
        parts.push(Number(data.votes).toLocaleString("en") + (data.votes === "1" ? " vote" : " votes"));
      }
      if (data.metascore) {
        parts.push("Metascore " + data.metascore);
      }
      var line = document.createElement("p");
      line.className = "facts";
      parts.forEach(function (part, at) {
        var span = document.createElement("span");
        span.textContent = part + (at < parts.length - 1 ? "," : "");
        line.append(span, " ");
      });
      card.append(line);
    });
  }

  function show(view) {
    if (view === "list" && !factsMade) {
      makeFacts();
    }
    grid.classList.toggle("list", view === "list");
    form.querySelectorAll("[data-view]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    });
  }

  function writeAddress() {
    var parts = names.filter(function (name) {
      return fields[name] && (name === "sort" ? fields.sort.selectedIndex > 0 : value(name));
    }).map(function (name) {
      return name + "=" + encodeURIComponent(value(name));
    });
    if (grid.classList.contains("list")) {
      parts.push("view=list");
    }
    /* Browsers let pages opened from disk change only the part after the #. */
    history.replaceState(null, "", "#" + parts.join("&"));
  }

  function readAddress() {
    var chosen = {};
    location.hash.slice(1).split("&").forEach(function (part) {
      var at = part.indexOf("=");
      if (at > 0) {
        try {
          chosen[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1));
        } catch (malformed) {
          /* not ours */
        }
      }
    });
    names.forEach(function (name) {
      if (!fields[name]) {
        return;
      }
      if (name === "filter") {
        fields.filter.value = chosen.filter || "";
      } else {
        fields[name].value = chosen[name] || fields[name].options[0].value;
        if (fields[name].selectedIndex < 0) {
          fields[name].selectedIndex = 0;
        }
      }
    });
    show(chosen.view === "list" ? "list" : "grid");
    update();
  }

  function openSheet(open) {
    sheet.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
    if (open) {
      sheet.querySelector("select").focus();
    } else {
      opener.focus();
    }
  }

  form.hidden = false;
  form.addEventListener("submit", function (event) {
    event.preventDefault();
  });
  form.addEventListener("input", function () {
    update();
    writeAddress();
  });
  form.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) {
      return;
    }
    if (button.dataset.view) {
      show(button.dataset.view);
      writeAddress();
    } else {
      openSheet(button === opener && !sheet.classList.contains("open"));
    }
  });
  form.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && sheet.classList.contains("open")) {
      openSheet(false);
    }
  });
  window.addEventListener("hashchange", function () {
    if (location.hash.indexOf("=") > 0 || location.hash.length < 2) {
      readAddress();
    }
  });
  window.addEventListener("pageshow", readAddress);
})();
