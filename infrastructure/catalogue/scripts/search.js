/* Search over titles, people and lists, from every page. The index is loaded when the search is first used. */
(function () {
  "use strict";
  var opener = document.getElementById("open-search");
  if (!opener || !window.HTMLDialogElement) {
    return;
  }
  var root = opener.dataset.root;
  var most = 12;
  var kinds = { lists: "", films: "film", people: "person" };
  var dialog, input, list, status;
  var entries = null;
  var loading = false;
  var options = [];
  var chosen = -1;

  function element(name, attributes) {
    var made = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) {
      made.setAttribute(key, attributes[key]);
    });
    return made;
  }

  function make() {
    dialog = element("dialog", { "class": "search-dialog", "aria-label": "Search the catalogue" });
    var line = element("div", { "class": "line" });
    input = element("input", {
      type: "search", role: "combobox", "aria-label": "Search titles, people and genres", "aria-expanded": "false",
      "aria-controls": "search-results", "aria-autocomplete": "list", placeholder: "Title, person, genre",
      autocomplete: "off", spellcheck: "false"
    });
    var close = element("button", { type: "button" });
    close.textContent = "Close";
    close.addEventListener("click", shut);
    list = element("ul", { id: "search-results", role: "listbox", "aria-label": "Results" });
    status = element("p", { "class": "label status", role: "status" });
    line.append(input, close);
    dialog.append(line, status, list);
    document.body.append(dialog);
    input.addEventListener("input", search);
    input.addEventListener("keydown", move);
    list.addEventListener("click", function (event) {
      var option = event.target.closest("li");
      if (option) {
        go(option);
      }
    });
    dialog.addEventListener("click", function (event) {
      if (event.target === dialog) {
        shut();
      }
    });
  }

  function open() {
    if (!dialog) {
      make();
    }
    if (!dialog.open) {
      dialog.showModal();
    }
    input.focus();
    input.select();
    load();
  }

  /* A hidden field keeps the focus until the next frame, and "/" typed into a field does not open the search. */
  function shut() {
    dialog.close();
    input.blur();
  }

  function load() {
    if (entries || loading) {
      return;
    }
    loading = true;
    status.textContent = "Loading the index";
    window.filmledgerSearch = function (index) {
      entries = [];
      Object.keys(kinds).forEach(function (kind) {
        (index[kind] || []).forEach(function (entry) {
          var text = plainText(entry[0] + (kind === "films" ? " " + entry[1] : ""));
          entries.push({ name: entry[0], note: entry[1], path: entry[2], kind: kind, text: " " + text });
        });
      });
      loading = false;
      status.textContent = "";
      search();
    };
    var script = element("script", { src: root + "search-index.js" });
    script.addEventListener("error", function () {
      loading = false;
      status.textContent = "The index could not be loaded.";
    });
    document.head.append(script);
  }

  /* Every word must occur. Words at the start of words count more, and the start of the whole most. */
  function score(entry, words, query) {
    var points = entry.text === " " + query ? 100 : entry.text.indexOf(" " + query) === 0 ? 50 : 0;
    for (var at = 0; at < words.length; at += 1) {
      var found = entry.text.indexOf(" " + words[at]) >= 0 ? 2 : entry.text.indexOf(words[at]) >= 0 ? 1 : 0;
      if (!found) {
        return 0;
      }
      points += found;
    }
    return points;
  }

  function search() {
    if (!entries) {
      return;
    }
    var query = plainText(input.value).trim().replace(/\s+/g, " ");
    var words = query.split(" ").filter(Boolean);
    var found = [];
    if (words.length) {
      entries.forEach(function (entry, place) {
        var points = score(entry, words, query);
        if (points) {
          found.push({ entry: entry, points: points, place: place });
        }
      });
      found.sort(function (a, b) {
        return b.points - a.points || a.place - b.place;
      });
    }
    options = found.slice(0, most).map(function (each, at) {
      var option = element("li", { id: "search-option-" + at, role: "option", "aria-selected": "false" });
      var name = element("span", { "class": "name", dir: "auto" });
      name.textContent = each.entry.name;
      var note = element("span", { "class": "label" });
      note.textContent = [kinds[each.entry.kind], each.entry.note].filter(Boolean).join(", ");
      option.append(name, note);
      option.dataset.path = each.entry.path;
      return option;
    });
    list.replaceChildren.apply(list, options);
    status.textContent = !words.length ? "" : !found.length ? "Nothing matches."
      : found.length > most ? "The first " + most + " of " + found.length : "";
    input.setAttribute("aria-expanded", String(options.length > 0));
    choose(options.length ? 0 : -1);
  }

  function choose(at) {
    chosen = at;
    options.forEach(function (option, place) {
      option.setAttribute("aria-selected", String(place === at));
    });
    if (at < 0) {
      input.removeAttribute("aria-activedescendant");
    } else {
      input.setAttribute("aria-activedescendant", options[at].id);
      options[at].scrollIntoView({ block: "nearest" });
    }
  }

  function move(event) {
    if (event.key === "ArrowDown" && options.length) {
      choose((chosen + 1) % options.length);
    } else if (event.key === "ArrowUp" && options.length) {
      choose((chosen + options.length - 1) % options.length);
    } else if (event.key === "Enter" && chosen >= 0) {
      go(options[chosen]);
    } else if (event.key === "Escape") {
      shut(); /* by itself, the browser would only empty the field */
    } else {
      return;
    }
    event.preventDefault();
  }

  function go(option) {
    location.href = root + option.dataset.path;
  }

  opener.hidden = false;
  opener.addEventListener("click", open);
  document.addEventListener("keydown", function (event) {
    var typing = /^(input|select|textarea)$/i.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      open();
    }
  });
})();
