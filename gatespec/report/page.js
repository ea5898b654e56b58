
"use strict";
// The page is whole without this: here are only filters, copy buttons, and entries that open when one links to them.
(() => {
  const each = (where, what, act) => where.querySelectorAll(what).forEach(act);

  const element = (name, text, more) => Object.assign(document.createElement(name), { textContent: text }, more);

  const copy = async (code, button) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      // A page from a file may not be allowed to: leave the text selected, so that the reader's own copy works.
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };

  each(document, "pre.copy", (block) => {
    const button = element("button", "Copy", { type: "button", ariaLabel: `Copy: ${block.getAttribute("aria-label")}` });
    button.addEventListener("click", () => copy(block.querySelector("code"), button));
    block.prepend(button);
  });

  const filter = (bar) => {
    const key = bar.dataset.filter;
    const rows = [...document.querySelectorAll(`[data-${key}]`)];
    const values = [...new Set(rows.map((row) => row.dataset[key]))];
    let chosen = "";
    const words = element("input", "", { type: "search", placeholder: "Filter by words", ariaLabel: "Filter by words" });
    const count = element("span", "", { className: "dim" });
    count.setAttribute("role", "status");
    const apply = () => {
      const wanted = words.value.trim().toLowerCase();
      const fits = (row) => (!chosen || row.dataset[key] === chosen) && row.textContent.toLowerCase().includes(wanted);
      rows.forEach((row) => row.toggleAttribute("data-hidden", !fits(row)));
      each(document, ".chapter", (chapter) => {
        chapter.toggleAttribute("data-hidden", !chapter.querySelector(".entry:not([data-hidden])"));
      });
      const lines = rows.filter((row) => row.matches("tr"));
      count.textContent = `${lines.filter((row) => !row.hasAttribute("data-hidden")).length} of ${lines.length}`;
    };
    ["", ...values].forEach((value) => {
      const button = element("button", value || "all", { type: "button", ariaPressed: String(value === "") });
      button.addEventListener("click", () => {
        chosen = value;
        each(bar, "button", (other) => { other.ariaPressed = String(other === button); });
        apply();
      });
      bar.append(button);
    });
    if (key === "state") {
      words.addEventListener("input", apply);
      bar.append(words);
    }
    bar.append(count);
    bar.hidden = false;
    apply();
  };
  each(document, ".filter", filter);

  const reveal = () => {
    const aim = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const entry = aim && aim.closest("details");
    if (entry) {
      entry.open = true;
      entry.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => each(document, "details", (entry) => { entry.open = true; }));
  reveal();
})();
