// The journal of the sandbox, for a person to look at. Everything is put in as text: a journal holds what anybody sent.
"use strict";

const MOST = 1000; // rows; older ones are in the journal only

const journal = document.getElementById("journal");
const state = document.getElementById("state");
const none = document.getElementById("none");

// By number, in the order of arrival. A row is shown when its request arrives, and filled in when it is answered.
const rows = new Map();
let forgotten = -1; // which of the journals this is: one begins each time that it is emptied

function part(parent, kind, text) {
  const made = document.createElement("span");
  made.className = kind;
  made.textContent = text;
  parent.append(made);
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

function whole(entry) {
  const asked = entry.refusal
    ? `This request could not be read: ${entry.refusal}`
    : message(`${entry.method} ${entry.target}`, entry.requestHeaders, entry.requestBody);
  const answered =
    entry.status === null ? "(no answer)" : message(entry.status, entry.responseHeaders, entry.responseBody);
  return `${asked}\n\n\n${answered}`;
}

// What is hidden costs nothing: a body may be large.
function fill(row) {
  const text = row.querySelector("pre");
  text.textContent = row.open ? whole(row.entry) : "";
}

function add(number) {
  const row = document.createElement("details");
  row.append(document.createElement("summary"), document.createElement("pre"));
  row.addEventListener("toggle", () => fill(row));
  rows.set(number, row);
  journal.prepend(row);
  if (rows.size > MOST) {
    const [oldest] = rows.keys();
    rows.get(oldest).remove();
    rows.delete(oldest);
  }
  return row;
}

function show(entry) {
  const row = rows.get(entry.number) || add(entry.number);
  const told = JSON.stringify(entry);
  if (row.told === told) {
    return; // somebody may be reading it, or copying from it
  }
  row.told = told;
  row.entry = entry;
  const line = row.querySelector("summary");
  line.replaceChildren();
  part(line, "number", entry.number);
  part(line, "received", new Date(entry.received).toISOString().slice(11, 23));
  part(line, entry.refusal ? "request refused" : "request", entry.refusal || `${entry.method} ${entry.target}`);
  part(line, "answer", entry.status === null ? "none" : entry.status);
  part(line, entry.applied ? "applied yes" : "applied", entry.applied ? "yes" : "no");
  part(line, "fault", entry.fault || "");
  fill(row);
}

function clear() {
  journal.replaceChildren();
  rows.clear();
}

async function ask(name, method = "GET", body = undefined) {
  const answer = await fetch(name, { method, body: body && JSON.stringify(body) });
  const told = await answer.json();
  if (!answer.ok) {
    throw new Error(told.error);
  }
  return told;
}

// The entries since the first that has no answer yet; none at first, when it is not known how many there are.
function news() {
  if (forgotten < 0) {
    return ask("journal?after=999999999");
  }
  const open = [...rows].filter(([, row]) => row.entry.status === null).map(([number]) => number);
  const next = rows.size ? [...rows.keys()].at(-1) + 1 : 1;
  return ask(`journal?after=${Math.min(next, ...open) - 1}`);
}

async function look() {
  let told = await news();
  if (told.forgotten !== forgotten) {
    clear(); // it was emptied, or is seen for the first time
    forgotten = told.forgotten;
    told = await ask(`journal?after=${Math.max(0, told.received - MOST)}`);
  }
  told.entries.forEach(show);
  none.hidden = rows.size > 0;
  const clock = await ask("clock");
  const requests = told.received === 1 ? "1 request" : `${told.received} requests`;
  const changes = told.applied === 1 ? "1 change" : `${told.applied} changes`;
  const time = new Date(clock.now).toISOString().slice(0, 19).replace("T", " ");
  state.textContent = `${requests}, ${changes}. The clock ${clock.running ? "shows" : "stands at"} ${time} UTC.`;
}

// One look after the other: what a slow one has seen does not overwrite what a later one has.
let looking = Promise.resolve();

function lookAgain() {
  looking = looking.then(look).catch((error) => {
    state.textContent = `The sandbox does not answer. ${error.message}`;
  });
  return looking;
}

function on(button, name, method, body) {
  document.getElementById(button).addEventListener("click", async () => {
    await ask(name, method, body).catch(() => {}); // the look tells
    lookAgain();
  });
}

on("advance", "clock", "POST", { advance: 10 });
on("clear", "journal", "DELETE");
on("reset", "reset", "POST", {});

async function everySecond() {
  await lookAgain();
  setTimeout(everySecond, 1000);
}
everySecond();
