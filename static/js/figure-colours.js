// Fills in a figure that Python built: "var(--name)" is a colour or the font of the stylesheet in the current theme, and
// "days(group)" stands for dates that many traces share. Called again whenever the theme changes.
(function () {
  "use strict";
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;

  function token(name) {
    if (name === "--font") return getComputedStyle(document.body).fontFamily;
    probe.style.color = "var(" + name + ")";
    return getComputedStyle(probe).color;
  }

  function resolved(value, days, known) {
    if (typeof value === "string") {
      const found = /^(var|days)\(([\w-]+)\)$/.exec(value);
      if (!found) return value;
      if (found[1] === "days") return days[found[2]];
      if (!known.has(found[2])) known.set(found[2], token(found[2]));
      return known.get(found[2]);
    }
    if (Array.isArray(value)) return value.map(function (each) { return resolved(each, days, known); });
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(function (pair) { return [pair[0], resolved(pair[1], days, known)]; }));
  }

  window.inTheseColours = function (figure, days) { return resolved(figure, days, new Map()); };
})();
