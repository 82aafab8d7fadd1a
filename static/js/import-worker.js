// Reads of each file, away from the page, what an import asks: its SHA-256, and when the camera says that it was taken.
"use strict";
const EXIF_IFD = 0x8769;
const TAGS = [0x9003, 0x9004, 0x0132]; // original, digitized, changed: the first that can be read counts
const CLOCK = "(?:[T\\s,]\\s*|[:.\\-/\\s])(\\d{1,2})[:.\\-hH](\\d{1,2})(?:[:.\\-mM](\\d{1,2})(?:[.,:]\\d+)?)?\\s*([AaPp])?";
// The spellings of ml/decode/camera_clock.py: the year first, the German order, without separators.
const YEAR_FIRST = new RegExp("^(\\d{4})[:.\\-/\\s](\\d{1,2})[:.\\-/\\s](\\d{1,2})" + CLOCK);
const GERMAN = new RegExp("^(\\d{1,2})\\.(\\d{1,2})\\.(\\d{4})" + CLOCK);
const COMPACT = /^(\d{4})(\d\d)(\d\d)[T\s]?(\d\d):?(\d\d):?(\d\d)()/;

function padded(number) {
  return String(number).padStart(2, "0");
}

function moment(year, month, day, hour, minute, second, half) {
  if (half && hour <= 12) hour = hour % 12 + (/p/i.test(half) ? 12 : 0);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute));
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60;
  if (year < 1900 || !isReal) return null;
  return year + "-" + padded(month) + "-" + padded(day) + "T" + padded(hour) + ":" + padded(minute) + ":" + padded(Math.min(second || 0, 59));
}

function read(text) {
  text = text.replace(/^[\0 \t\r\n"']+/, "");
  let found = YEAR_FIRST.exec(text) || COMPACT.exec(text);
  if (found) return moment(+found[1], +found[2], +found[3], +found[4], +found[5], +found[6], found[7]);
  found = GERMAN.exec(text);
  return found ? moment(+found[3], +found[2], +found[1], +found[4], +found[5], +found[6], found[7]) : null;
}

// Returns the date in a TIFF structure that begins at `start`, or null.
function dateInTiff(bytes, start) {
  const view = new DataView(bytes.buffer, start);
  const isLittle = view.getUint8(0) === 0x49;
  const u16 = function (at) { return view.getUint16(at, isLittle); };
  const u32 = function (at) { return view.getUint32(at, isLittle); };
  const texts = new Map();
  let inner = 0;
  const directory = function (at) {
    const n = Math.min(u16(at), 512);
    for (let entry = at + 2, left = n; left > 0; entry += 12, left -= 1) {
      const tag = u16(entry);
      if (tag === EXIF_IFD) inner = u32(entry + 8);
      if (TAGS.indexOf(tag) < 0 || texts.has(tag)) continue;
      const size = u32(entry + 4);
      const from = start + (size > 4 ? u32(entry + 8) : entry + 8);
      texts.set(tag, String.fromCharCode.apply(null, bytes.subarray(from, from + Math.min(size, 64))));
    }
  };
  try {
    directory(u32(4));
    if (inner) directory(inner);
  } catch (error) { // a broken part says nothing; what was read before it counts
    if (!(error instanceof RangeError)) throw error;
  }
  for (const tag of TAGS) {
    const date = texts.has(tag) && read(texts.get(tag));
    if (date) return date;
  }
  return null;
}

function isTiff(bytes, at) {
  const little = bytes[at] === 0x49 && bytes[at + 1] === 0x49 && bytes[at + 2] === 0x2A && bytes[at + 3] === 0;
  return little || (bytes[at] === 0x4D && bytes[at + 1] === 0x4D && bytes[at + 2] === 0 && bytes[at + 3] === 0x2A);
}

// Returns the date in the EXIF part of a JPEG.
function dateInJpeg(bytes) {
  for (let at = 2; at + 10 < bytes.length && bytes[at] === 0xFF && bytes[at + 1] !== 0xDA;) {
    const date = bytes[at + 1] === 0xE1 && isTiff(bytes, at + 10) ? dateInTiff(bytes, at + 10) : null;
    if (date) return date;
    at += 2 + (bytes[at + 2] << 8 | bytes[at + 3]);
  }
  return null;
}

// PNG, WebP and HEIC hold it as a chunk or a box, at any place: what looks like one and holds a date is one.
function dateAnywhere(bytes) {
  for (let at = 8; at + 16 < bytes.length; at += 1) {
    if ((bytes[at] === 0x49 || bytes[at] === 0x4D) && isTiff(bytes, at)) {
      const date = dateInTiff(bytes, at);
      if (date) return date;
    }
  }
  return null;
}

onmessage = async function (event) {
  for (let at = 0; at < event.data.files.length; at += 1) {
    const answer = { at: event.data.from + at, sha: "", taken: null };
    try {
      const buffer = await event.data.files[at].arrayBuffer();
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
      const bytes = new Uint8Array(buffer);
      answer.sha = Array.from(hash, function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
      answer.taken = bytes[0] === 0xFF ? dateInJpeg(bytes) : dateAnywhere(bytes);
    } catch (error) {
      answer.gone = true; // moved, or on a card that was pulled
    }
    postMessage(answer);
  }
};
