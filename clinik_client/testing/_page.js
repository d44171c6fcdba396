// The journal of the sandbox, for a person to look at. Everything is put in as text: a journal holds what anybody sent.
"use strict";

const rows = document.getElementById("journal");
const state = document.getElementById("state");

function cell(row, text, kind) {
  const made = row.insertCell();
  made.textContent = text;
  made.className = kind || "";
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function message(first, headers, body) {
  const lines = (headers || []).map(([name, value]) => `${name}: ${value}`);
  return [first, ...lines, "", body ? pretty(body) : "(no body)"].join("\n");
}

// By number: an entry is shown when its request arrives, and filled in when it is answered.
const shown = new Map();

function show(entry) {
  let row = shown.get(entry.number);
  if (row === undefined) {
    row = rows.insertRow(0);
    row.className = "entry";
    row.addEventListener("click", () => open(row));
    shown.set(entry.number, row);
  }
  row.entry = entry;
  row.replaceChildren();
  cell(row, entry.number);
  cell(row, entry.received.slice(11, 23));
  cell(row, entry.refusal ? `unreadable: ${entry.refusal}` : `${entry.method} ${entry.target}`);
  cell(row, entry.status === null ? "none" : entry.status);
  cell(row, entry.applied ? "yes" : "no", entry.applied ? "yes" : "");
  cell(row, entry.fault || "", "fault");
}

// Show the whole of an entry below its line, or hide it again.
function open(row) {
  const next = row.nextElementSibling;
  if (next && next.className === "whole") {
    next.remove();
    return;
  }
  const entry = row.entry;
  const whole = document.createElement("tr");
  whole.className = "whole";
  row.after(whole);
  const inside = whole.insertCell();
  inside.colSpan = 6;
  const text = document.createElement("pre");
  const asked = message(`${entry.method} ${entry.target}`, entry.request_headers, entry.request_body);
  const told = message(entry.status === null ? "no answer" : entry.status, entry.response_headers, entry.response_body);
  text.textContent = `${asked}\n\n${told}`;
  inside.append(text);
}

function clear() {
  rows.replaceChildren();
  shown.clear();
}

// The first entry that is still to be answered, or the one that comes next.
function unanswered() {
  const open = [...shown].filter(([, row]) => row.entry.status === null).map(([number]) => number);
  return Math.min(shown.size ? Math.max(...shown.keys()) + 1 : 1, ...open);
}

async function look() {
  const [journal, clock] = await Promise.all(
    [`journal?after=${unanswered() - 1}`, "clock"].map(async (name) => (await fetch(name)).json()),
  );
  if (shown.size && journal.received < Math.max(...shown.keys())) {
    clear(); // somebody has emptied the journal
  }
  journal.entries.forEach(show);
  const requests = journal.received === 1 ? "1 request" : `${journal.received} requests`;
  state.textContent = `${requests}; the clock shows ${clock.now.slice(0, 19).replace("T", " ")} UTC`;
}

async function tell(name, body) {
  await fetch(name, { method: "POST", body: JSON.stringify(body) });
}

document.getElementById("advance").addEventListener("click", async () => {
  await tell("clock", { advance: 10 });
  await look();
});
document.getElementById("reset").addEventListener("click", async () => {
  await tell("reset", {});
  clear();
  await look();
});

function again() {
  look()
    .catch(() => {
      state.textContent = "The sandbox does not answer.";
    })
    .finally(() => setTimeout(again, 1000));
}
again();
