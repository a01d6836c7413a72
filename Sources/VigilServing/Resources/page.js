"use strict";
// The page is made from the facts that stand in it, and kept up to date by server-sent events. Text from outside only ever
// becomes the text of an element, never markup.

const facts = JSON.parse(document.getElementById("facts").textContent);
const status = facts.status;
const bars = facts.bars.tokens;
// Worst first.
const STATES = ["invalid", "misconfigured", "limited", "blind", "suspect", "unknown", "pending", "valid"];
const LETTERS = Object.fromEntries(STATES.map((state) => [state[0], state]));
// A shape for each state beside its colour, in a square of 12.
const SHAPES = {
  valid: "M6 0a6 6 0 1 1 0 12a6 6 0 0 1 0-12z",
  invalid: "M2 0l4 4l4-4l2 2l-4 4l4 4l-2 2l-4-4l-4 4l-2-2l4-4l-4-4z",
  limited: "M6 0l6 12h-12z",
  suspect: "M6 0l6 6l-6 6l-6-6z",
  misconfigured: "M0 0h12v12h-12z",
  other: "M6 0a6 6 0 1 1 0 12a6 6 0 0 1 0-12zm0 3a3 3 0 1 0 0 6a3 3 0 0 0 0-6z",
};
const STEP = 100; // tokens that are shown at once
const DAY = 86400000;
const byId = (id) => document.getElementById(id);
let reach = STEP;
let isConnected = true;

// MARK: elements

function make(space, tag, attributes, children) {
  const element = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
const el = (tag, attributes, ...children) => make(null, tag, attributes, children);
const svg = (tag, attributes, ...children) => make("http://www.w3.org/2000/svg", tag, attributes, children);

function stateMark(state, reason) {
  const shape = svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" },
    svg("path", { d: SHAPES[state] || SHAPES.other, "fill-rule": "evenodd" }));
  return el("span", { class: `state s-${state}` }, shape, el("span", {}, state), reason ? el("small", {}, reason.replaceAll("_", " ")) : null);
}

const fact = (name, ...values) => el("div", {}, el("dt", {}, name), el("dd", {}, ...values));

// MARK: times

const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const dayOnly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const shortly = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "short" });

function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

function distance(text, isPlan) {
  const away = Date.parse(text) - (facts.live ? Date.now() : Date.parse(status.generated_at));
  if (isPlan && away <= 0) return "now";
  return away > 0 ? `in ${span(away)}` : `${span(-away)} ago`;
}

// Shown as a distance from now, and exactly for who points at it.
function time(text, none = "unknown", isPlan = false) {
  if (!text) return none;
  return el("time", { datetime: text, title: whole.format(new Date(text)), "data-plan": isPlan ? "" : null }, distance(text, isPlan));
}

// A mail address may be broken behind the @ rather than anywhere.
function address(text) {
  const [head, ...rest] = text.split("@");
  return [head, ...rest.flatMap((part) => ["@", el("wbr"), part])];
}

function tick() {
  for (const element of document.querySelectorAll("time")) {
    const words = distance(element.dateTime, "plan" in element.dataset);
    if (element.textContent !== words) element.textContent = words;
  }
  showFreshness();
}

// MARK: bars

function bar(name, height) {
  const letters = bars[name] || "-".repeat(90);
  const paths = {};
  const days = {};
  [...letters].forEach((letter, index) => {
    const state = LETTERS[letter.toLowerCase()] || "none";
    const isPart = letter !== "-" && letter !== letter.toLowerCase();
    const x = index * 4;
    days[state] = (days[state] || 0) + 1;
    if (isPart) paths.none = (paths.none || "") + `M${x} 0h3v14h-3z`;
    paths[state] = (paths[state] || "") + (isPart ? `M${x} 14h3v14h-3z` : `M${x} 0h3v28h-3z`);
  });
  const words = STATES.concat("none").filter((state) => days[state])
    .map((state) => `${days[state]} ${state === "none" ? "not watched" : state}`).join(", ");
  const picture = svg("svg", { class: "bar", viewBox: `0 0 ${letters.length * 4 - 1} 28`, preserveAspectRatio: "none",
    role: "img", "aria-label": `The last ${letters.length} days: ${words}`, height },
    ...Object.entries(paths).map(([state, d]) => svg("path", { class: `f-${state}`, d })));
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const index = Math.min(letters.length - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * letters.length)));
    const state = LETTERS[letters[index].toLowerCase()] || "not watched";
    picture.parentNode.title = `${dayOnly.format(Date.parse(facts.bars.first) + index * DAY)}: ${state}`;
  });
  return picture;
}

function legend() {
  const kinds = ["valid", "limited", "invalid", "misconfigured", "suspect", "unknown"].map((state) => [state, state]);
  kinds[5][1] = "unknown, blind or pending";
  kinds.push(["none", "not watched"]);
  return el("ul", { class: "legend" }, ...kinds.map(([state, words]) => el("li", {},
    svg("svg", { viewBox: "0 0 11 11", "aria-hidden": "true" }, svg("path", { class: `f-${state}`, d: "M0 0h11v11h-11z" })), words)));
}

// A new state shows in the bar at once; it counts as it does for the daemon.
function mark(name, state) {
  const letters = bars[name] || "-".repeat(90);
  const last = LETTERS[letters.slice(-1).toLowerCase()];
  const isGrave = ["invalid", "misconfigured", "limited"].includes(state);
  if (!last || (isGrave && STATES.indexOf(state) < STATES.indexOf(last))) {
    bars[name] = letters.slice(0, -1) + (last ? state[0] : state[0].toUpperCase());
  }
}

// MARK: the list

const wish = new URLSearchParams(facts.live ? location.search : "");
const wanted = { words: wish.get("q") || "", state: wish.get("state") || "", owner: wish.get("owner") || "" };
const rows = new Map();

const link = (name) => (facts.live ? `/token/${encodeURIComponent(name)}` : `#${encodeURIComponent(name)}`);

function expiry(report) {
  if (!report.expires_at) return "unknown";
  return [time(report.expires_at), report.expiry_source === "estimate" ? " (estimate)" : null];
}

function row(name) {
  const report = status.tokens[name];
  const identity = report.identity ? report.identity.name || report.identity.id : "unknown";
  return el("li", { class: `token s-${report.state}`, "data-name": name },
    el("div", {}, el("h2", {}, el("a", { href: link(name) }, name)), stateMark(report.state, report.reason)),
    el("dl", { class: "facts what" },
      fact("Since", time(report.since)),
      fact("Owner", address(report.owner || "not named")),
      fact("Identity", address(identity)),
      fact("Expires", expiry(report)),
      fact("Next probe", time(report.next_probe_at, "none", true)),
      fact("Needed by", report.used_by.map((one) => one.name).join(", ") || "not named")),
    el("div", {}, bar(name), el("p", { class: "bar-words", "aria-hidden": "true" }, el("span", {}, "90 days ago"), el("span", {}, "today"))));
}

function matches(name, report) {
  if (wanted.state && report.state !== wanted.state) return false;
  if (wanted.owner && (report.owner || "") !== wanted.owner) return false;
  if (!wanted.words) return true;
  const identity = report.identity || {};
  const text = [name, report.owner, report.provider, report.state, report.reason, identity.name, identity.id,
    ...report.used_by.map((one) => `${one.name} ${one.owner || ""}`)].join(" ").toLowerCase();
  return wanted.words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function found() {
  const rank = Object.fromEntries(STATES.map((state, index) => [state, index]));
  return Object.keys(status.tokens).filter((name) => matches(name, status.tokens[name])).sort((one, other) => {
    const [a, b] = [status.tokens[one], status.tokens[other]];
    return rank[a.state] - rank[b.state] || (one < other ? -1 : 1);
  });
}

function showStates() {
  const names = STATES.filter((state) => status.summary[state] || state === wanted.state);
  const button = (state, words, count) => el("button", { type: "button", "aria-pressed": String(wanted.state === state), "data-state": state,
    click: () => choose({ state: wanted.state === state ? "" : state }) },
    el("b", {}, String(count)), state ? stateMark(state) : words);
  keepingFocus(() => byId("states").replaceChildren(button("", "all", status.summary.tokens), ...names.map((state) => button(state, state, status.summary[state] || 0))));
}

function showList() {
  const names = found();
  const shown = names.slice(0, reach);
  keepingFocus(() => byId("tokens").replaceChildren(...shown.map((name) => {
    if (!rows.has(name)) rows.set(name, row(name));
    return rows.get(name);
  })));
  byId("count").textContent = names.length === shown.length
    ? `${names.length} of ${status.summary.tokens} tokens` : `The first ${shown.length} of ${names.length} tokens`;
  byId("more").hidden = names.length === shown.length;
}

// Elements are put in anew; who was at one with the keyboard stays there.
function keepingFocus(change) {
  const held = document.activeElement;
  const name = held && held.closest("[data-name]") && held.closest("[data-name]").dataset.name;
  const state = held && held.dataset.state;
  change();
  if (name !== null && name !== undefined) {
    const again = document.querySelector(`[data-name="${CSS.escape(name)}"] a`);
    if (again && document.activeElement !== again) again.focus({ preventScroll: true });
  } else if (state !== undefined) {
    const button = document.querySelector(`button[data-state="${CSS.escape(state)}"]`);
    if (button) button.focus({ preventScroll: true });
  }
}

function choose(change) {
  Object.assign(wanted, change);
  reach = STEP;
  if (facts.live) {
    const query = new URLSearchParams();
    for (const [key, value] of [["q", wanted.words], ["state", wanted.state], ["owner", wanted.owner]]) if (value) query.set(key, value);
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  }
  showStates();
  showList();
}

function listPage() {
  document.title = `API tokens on ${status.monitor.host}`;
  const owners = [...new Set(Object.values(status.tokens).map((report) => report.owner).filter(Boolean))].sort();
  const search = el("input", { type: "search", id: "words", autocomplete: "off", value: wanted.words,
    input: (event) => choose({ words: event.target.value.trim() }) });
  const choice = el("select", { id: "owner", change: (event) => choose({ owner: event.target.value }) },
    el("option", { value: "" }, "anybody"), ...owners.map((owner) => el("option", { value: owner, selected: owner === wanted.owner ? "" : null }, owner)));
  byId("content").replaceChildren(
    el("h1", {}, document.title),
    el("div", { class: "states", id: "states", role: "group", "aria-label": "Show only tokens that are" }),
    el("div", { class: "search", role: "search" }, el("label", {}, "Search", search), el("label", {}, "Owner", choice)),
    el("p", { class: "count", id: "count", role: "status" }),
    el("ul", { class: "tokens", id: "tokens" }),
    el("button", { class: "more", id: "more", type: "button", click: () => { reach += 5 * STEP; showList(); } }, "Show more"),
    legend());
  showStates();
  showList();
}

// MARK: one token

function share(value) {
  return value === null || value === undefined ? "unknown" : `${(value * 100).toFixed(value === 1 ? 0 : 2)} %`;
}

function detailFacts(name, report) {
  const probe = report.last_probe;
  const identity = report.identity;
  return el("div", { class: `card toned s-${report.state}`, id: "belief" },
    el("p", {}, stateMark(report.state, report.reason)),
    el("p", {}, report.explanation),
    el("dl", { class: "facts" },
      fact("Since", time(report.since)),
      fact("Owner", address(report.owner || "not named")),
      fact("Identity", identity ? (identity.name && identity.id && identity.name !== identity.id ? `${identity.name} (${identity.id})` : identity.name || identity.id) : "unknown"),
      fact("Provider", report.provider),
      fact("Fingerprint", el("code", {}, report.fingerprint || "unknown")),
      fact("Expires", expiry(report)),
      fact("Last accepted", time(report.last_accepted_at, "never")),
      report.first_rejected_at ? fact("First rejected", time(report.first_rejected_at)) : null,
      fact("Last probe", time(probe && probe.at, "none"), probe ? `: ${probe.verdict}${probe.http_status ? `, HTTP ${probe.http_status}` : ""}` : null),
      fact("Latency", probe && probe.latency_ms !== null ? `${probe.latency_ms} ms` : "unknown"),
      fact("Next probe", time(report.next_probe_at, "none", true)),
      fact("Accepted, of the known time", `24 h: ${share(report.uptime["24h"])}`, el("br"), `7 d: ${share(report.uptime["7d"])}`, el("br"), `30 d: ${share(report.uptime["30d"])}`),
      report.incident ? fact("Incident", el("code", {}, report.incident.id), report.incident.acknowledged ? `, acknowledged: ${report.incident.acknowledged}` : null,
        report.incident.silenced_until ? ", silenced until " : null, report.incident.silenced_until ? time(report.incident.silenced_until) : null) : null),
    el("h2", {}, "Needed by"),
    report.used_by.length ? el("ul", { class: "plain" }, ...report.used_by.map((one) => el("li", {},
      /^https?:\/\//i.test(one.url || "") ? el("a", { href: one.url, rel: "noreferrer noopener" }, one.name) : one.name, one.owner ? ` (${one.owner})` : null)))
      : el("p", {}, "Nothing is named under used_by."));
}

// Healthy sightings are written once a minute; what is known of now goes further.
function untilNow(intervals, report) {
  const last = intervals[intervals.length - 1];
  const seen = report.last_probe && report.last_probe.at;
  if (!last || !seen || last.state !== report.state || last.end >= seen) return intervals;
  return [...intervals.slice(0, -1), { ...last, end: seen }];
}

function timeline(intervals) {
  const end = Date.parse(status.generated_at);
  const begin = Math.max(end - 90 * DAY, Math.min(...intervals.map((one) => Date.parse(one.start))));
  const x = (text) => Math.max(0, (Date.parse(text) - begin) / Math.max(1, end - begin) * 1000);
  const shapes = intervals.filter((one) => Date.parse(one.end) >= begin).map((one) =>
    svg("rect", { class: `f-${one.state}`, x: x(one.start), y: 0, width: Math.max(2, x(one.end) - x(one.start)), height: 28 }));
  return el("div", {},
    svg("svg", { class: "bar", viewBox: "0 0 1000 28", preserveAspectRatio: "none", role: "img",
      "aria-label": "Timeline; the table below tells the same" }, svg("rect", { class: "f-none", width: 1000, height: 28 }), ...shapes),
    el("p", { class: "bar-words", "aria-hidden": "true" }, el("span", {}, shortly.format(begin)), el("span", {}, shortly.format(end))));
}

function intervalTable(intervals) {
  const newest = intervals.slice(-50).reverse();
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Times of each state" }, el("table", {},
    el("thead", {}, el("tr", {}, ...["State", "For", "From", "To"].map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...newest.map((one) => el("tr", {},
      el("td", {}, stateMark(one.state, one.reason)), el("td", {}, span(Date.parse(one.end) - Date.parse(one.start))),
      el("td", {}, shortly.format(Date.parse(one.start))), el("td", {}, shortly.format(Date.parse(one.end))))))));
}

function deathCard(death) {
  const certificate = death.certificate;
  const opened = Date.parse(death.opened_at);
  const repair = { new_secret: "by a new token", same_secret: "with the same token: it was not replaced" }[death.repair] || "";
  const lines = [
    fact("Opened", whole.format(opened)),
    fact(death.repair === "new_secret" ? "Repaired" : "Ended", death.closed_at ? `${whole.format(Date.parse(death.closed_at))}, after ${span(Date.parse(death.closed_at) - opened)} ${repair}` : "still open"),
    death.last_accepted_at ? fact("Last accepted", whole.format(Date.parse(death.last_accepted_at))) : null,
    death.first_rejected_at ? fact("First rejected", whole.format(Date.parse(death.first_rejected_at))) : null,
  ];
  if (certificate) {
    lines.push(fact("Reason", certificate.reason), certificate.cause ? fact("Likely cause", certificate.cause) : null,
      death.lived_s !== null ? fact("Lived", span(death.lived_s * 1000)) : null,
      certificate.used_by.length ? fact("What stood still", certificate.used_by.map((one) => one.name).join(", ")) : null);
  }
  return el("details", { class: "card" }, el("summary", {}, `${whole.format(opened)}: ${certificate ? `died, ${certificate.reason}` : death.kind.replace("token.", "").replaceAll("_", " ")}`),
    el("dl", { class: "facts" }, ...lines), el("p", {}, certificate ? certificate.explanation : death.explanation),
    el("p", {}, "Incident ", el("code", {}, death.incident)));
}

function lifetimes(deaths) {
  const lives = deaths.filter((death) => death.certificate && death.lived_s).slice(-20);
  if (!lives.length) return el("p", {}, "None is known yet.");
  const longest = Math.max(...lives.map((death) => death.lived_s));
  const words = lives.map((death) => `${shortly.format(Date.parse(death.opened_at))}: ${span(death.lived_s * 1000)}`).join("; ");
  return svg("svg", { class: "lives", viewBox: `0 0 620 ${lives.length * 22}`, role: "img", "aria-label": `Lifetimes by day of death. ${words}` },
    ...lives.flatMap((death, index) => [
      svg("text", { class: "f-text", x: 0, y: index * 22 + 14 }, shortly.format(Date.parse(death.opened_at))),
      svg("rect", { class: "f-valid", x: 130, y: index * 22 + 3, height: 15, width: Math.max(2, death.lived_s / longest * 400) }),
      svg("text", { class: "f-text", x: 140 + death.lived_s / longest * 400, y: index * 22 + 14 }, span(death.lived_s * 1000))]));
}

function weekPicture(deaths) {
  const times = deaths.filter((death) => death.certificate).map((death) => new Date(death.first_rejected_at || death.opened_at));
  if (!times.length) return el("p", {}, "No death is recorded.");
  const days = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
  const counts = days.map(() => new Array(24).fill(0));
  for (const moment of times) counts[(moment.getDay() + 6) % 7][moment.getHours()] += 1;
  const most = Math.max(...counts.flat());
  const words = counts.flatMap((hours, day) => hours.map((count, hour) => (count ? `${days[day]} ${hour}:00 ${count}` : null)).filter(Boolean)).join(", ");
  const cells = counts.flatMap((hours, day) => hours.map((count, hour) => svg("rect", { x: 30 + hour * 24, y: 18 + day * 22, width: 22, height: 20, rx: 2,
    class: count ? "f-invalid" : "f-none", "fill-opacity": count ? 0.35 + 0.65 * count / most : 1 })));
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return el("div", {}, svg("svg", { class: "hours", viewBox: "0 0 610 176", role: "img", "aria-label": `Deaths by weekday and hour: ${words}` },
    ...[0, 6, 12, 18].map((hour) => svg("text", { class: "f-text", x: 30 + hour * 24, y: 11 }, `${hour}:00`)),
    ...days.map((day, index) => svg("text", { class: "f-text", x: 0, y: 33 + index * 22 }, day)), ...cells),
    el("p", { class: "count" }, `First rejections, in the time zone of this browser (${zone}).`));
}

function detailPage(name, past) {
  const report = status.tokens[name];
  document.title = `${name}: ${report ? report.state : "not watched"}`;
  const back = el("p", {}, el("a", { href: facts.live ? "/" : "#" }, "All tokens"));
  if (!report) return byId("content").replaceChildren(back, el("h1", {}, name), el("p", {}, "This token is not watched any more."));
  const record = past && past.tokens.find((one) => one.token === name);
  const owner = past && past.owners.find((one) => one.tokens.includes(name));
  const deaths = record ? record.deaths : [];
  const intervals = record ? untilNow(record.intervals, report) : [];
  const open = new Set([...document.querySelectorAll("details[open] code")].map((code) => code.textContent));
  const cards = deaths.slice(-50).reverse().map(deathCard);
  for (const card of cards) card.open = open.has(card.querySelector("p code").textContent);
  byId("content").replaceChildren(back, el("h1", {}, name), detailFacts(name, report),
    el("h2", {}, "The last 90 days"), el("div", { class: "card" }, bar(name), el("p", { class: "bar-words", "aria-hidden": "true" }, el("span", {}, "90 days ago"), el("span", {}, "today")), legend()),
    el("h2", {}, "When it was valid"), intervals.length ? el("div", { class: "card" }, timeline(intervals), intervalTable(intervals)) : el("p", {}, "Nothing is recorded yet."),
    el("h2", {}, "Deaths and other incidents"), ...(cards.length ? cards : [el("p", {}, "None in the last 90 days.")]),
    el("h2", {}, "How long its secrets lived"), el("div", { class: "card scroll", tabindex: "0", role: "region", "aria-label": "Lifetimes" }, lifetimes(deaths)),
    el("h2", {}, "When it dies"), el("div", { class: "card scroll", tabindex: "0", role: "region", "aria-label": "Deaths by weekday and hour" }, weekPicture(deaths), owner && owner.pattern ? el("p", {}, owner.pattern.sentence || "The deaths of its owner's tokens show no pattern.") : null));
}

// MARK: the whole page

function showFreshness() {
  const isStale = Date.parse(status.valid_until) < Date.now();
  byId("site").textContent = `tokenvigil on ${status.monitor.host}`;
  byId("live").textContent = facts.live ? (isConnected ? "Live" : "Not connected") + `, as of ${whole.format(Date.parse(status.generated_at))}`
    : `As of ${whole.format(Date.parse(status.generated_at))}; this page stays as it is`;
  const alarms = facts.live && isStale ? ["The watch stands still or cannot be reached: nothing here is known to be true now."] : [];
  alarms.push(...status.monitor.problems.map((problem) => `The monitor: ${problem}`));
  const text = alarms.join("\n");
  if (byId("alarms").dataset.text !== text) {
    byId("alarms").dataset.text = text;
    byId("alarms").replaceChildren(...alarms.map((alarm) => el("p", { class: "alarm" }, alarm)));
  }
}

const chosen = () => (facts.live ? facts.token : decodeURIComponent(location.hash.slice(1)) || null);

function showPage() {
  if (chosen()) detailPage(chosen(), facts.history);
  else listPage();
  byId("footer").textContent = `tokenvigil ${status.monitor.version}. Times are those of this browser, days are UTC.`;
  tick();
}

// Only what is known now; the past, and whoever is in it with the keyboard, stays.
function refreshBelief() {
  const card = byId("belief");
  const report = status.tokens[facts.token];
  if (card && report && !card.contains(document.activeElement)) card.replaceWith(detailFacts(facts.token, report));
}

async function refreshPast() {
  try {
    const answer = await fetch(`/api/v1/history?token=${encodeURIComponent(facts.token)}`);
    if (answer.ok) facts.history = await answer.json();
  } catch { /* the next change tries again */ }
  const isInside = byId("content").contains(document.activeElement);
  detailPage(facts.token, facts.history);
  if (isInside) byId("content").focus({ preventScroll: true });
}

function adopt(change) {
  const changed = [];
  for (const [name, report] of Object.entries(change.tokens)) {
    const old = status.tokens[name];
    if (!old || old.state !== report.state) {
      mark(name, report.state);
      if (old) changed.push(`${name} is ${report.state}`);
    }
    status.tokens[name] = report;
    rows.delete(name);
  }
  for (const name of change.gone) {
    delete status.tokens[name];
    rows.delete(name);
  }
  for (const key of ["generated_at", "valid_until", "monitor", "summary", "worst"]) status[key] = change[key];
  if (facts.token) {
    if (changed.length || change.gone.includes(facts.token)) refreshPast();
    else if (change.tokens[facts.token]) refreshBelief();
  } else {
    showStates();
    showList();
  }
  if (changed.length) byId("news").textContent = changed.slice(0, 5).join(", ") + (changed.length > 5 ? ` and ${changed.length - 5} more` : "");
  tick();
}

function listen() {
  const query = new URLSearchParams({ seen: status.generated_at });
  if (facts.token) query.set("token", facts.token);
  const events = new EventSource(`/events?${query}`);
  events.addEventListener("status", (event) => adopt(JSON.parse(event.data)));
  events.addEventListener("open", () => { isConnected = true; showFreshness(); });
  events.addEventListener("error", () => { isConnected = false; showFreshness(); });
}

showPage();
setInterval(tick, 5000);
if (facts.live) listen();
else window.addEventListener("hashchange", () => { showPage(); byId("content").focus(); });
