// The script of the page for phones, without a framework and without a bundler. It proves the secret of the address with every request,
// opens the answers, and puts the sections that the server has rendered into the page. src/phone/listener.ts is the other end.
import { xchacha20poly1305 } from './noble/chacha.js';

const nonceBytes = 24;
/** Longer edge of a photo that travels, pixels. */
const photoEdgePx = 2048;
const jpegQuality = 0.9;
/** How long a request may take, and the waits between two attempts, milliseconds. */
const requestMs = 60_000;
const retryMs = [500, 1000, 2000, 4000];
/** After this time without an answer the server has ended, milliseconds. */
const endedMs = 90_000;

const texts = document.getElementById('texts').dataset;
const connection = document.getElementById('connection');
const status = document.getElementById('status');

// The secret: from the fragment, which is then removed from the address, or from a reload of this page.

const secretText = location.hash.slice(1) || sessionStorage.getItem('secret') || '';
if (location.hash !== '') {
  if (sessionStorage.getItem('secret') !== secretText) sessionStorage.clear();
  sessionStorage.setItem('secret', secretText);
  history.replaceState(null, '', '/');
}
const secret = bytesOf(secretText);
const phone = sessionStorage.getItem('phone') ?? textOf(crypto.getRandomValues(new Uint8Array(16)));
sessionStorage.setItem('phone', phone);

/** @param {string} text */
function bytesOf(text) {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    );
  } catch {
    return new Uint8Array();
  }
}

/** @param {Uint8Array} bytes */
function textOf(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);

/** Nonce and sealed content. @param {string} purpose @param {Uint8Array} content */
function seal(purpose, content) {
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const sealed = xchacha20poly1305(secret, nonce, utf8(purpose)).encrypt(content);
  const message = new Uint8Array(nonceBytes + sealed.length);
  message.set(nonce);
  message.set(sealed, nonceBytes);
  return message;
}

/** Throws where it is not an answer of the server to the request with this nonce. @param {string} nonce @param {Uint8Array} sealed */
function openAnswer(nonce, sealed) {
  const cipher = xchacha20poly1305(secret, sealed.subarray(0, nonceBytes), utf8(`answer ${nonce}`));
  return JSON.parse(new TextDecoder().decode(cipher.decrypt(sealed.subarray(nonceBytes))));
}

// Requests.

/** The versions of the sections that are shown, by id. @type {Record<string, string>} */
const known = {};
/** The page has ended: nothing is asked any more. */
let isOver = false;

/** One attempt. @param {string} action @param {Record<string, string>} given @param {Uint8Array | null} photo */
async function attempt(action, given, photo) {
  const head = { phone, action, given, language: navigator.language ?? '', known, photo: photo !== null };
  const sealed = seal('request', utf8(JSON.stringify(head)));
  const nonce = textOf(sealed.subarray(0, nonceBytes));
  const response = await fetch('/', {
    method: 'POST',
    headers: { 'roomkin-request': textOf(sealed) },
    body: photo === null ? null : seal(`photo ${nonce}`, photo),
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(requestMs),
  });
  if (response.status === 404) return null;
  return openAnswer(nonce, new Uint8Array(await response.arrayBuffer()));
}

/** Asks until there is an answer; null where the link is not valid any more, or the server has ended. */
async function ask(action, given = {}, photo = null) {
  const startMs = Date.now();
  for (let attempts = 0; !isOver; attempts++) {
    try {
      const answer = await attempt(action, given, photo);
      if (isOver) return null;
      if (answer === null) return over(texts.wrong);
      connection.hidden = true;
      return answer;
    } catch {
      if (isOver) return null;
      if (Date.now() - startMs > endedMs) return over(texts.ended);
      if (attempts > 0) warn(texts.lost);
      if (attempts > 0) removePictures();
      await wait(retryMs[Math.min(attempts, retryMs.length - 1)]);
    }
  }
  return null;
}

/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {string} text */
function warn(text) {
  if (connection.textContent !== text || connection.hidden) connection.textContent = text;
  connection.hidden = false;
}

/** @param {string} text */
function over(text) {
  isOver = true;
  removePictures();
  sessionStorage.removeItem('secret');
  warn(text);
  status.textContent = '';
  for (const element of document.querySelectorAll('button, input, select')) element.disabled = true;
  return null;
}

/** @param {string} text */
function say(text) {
  if (text !== null && status.textContent !== text) status.textContent = text;
}

/** Shows an answer. `isOwn`: it follows what the person has just done, so that the section in use changes as well. */
function show(answer, isOwn) {
  if (isOwn) closeDetails();
  for (const { id, html, version } of answer.sections) {
    const section = document.getElementById(id);
    if (section === null) continue;
    const focused = section.contains(document.activeElement) ? document.activeElement : null;
    // A list that changes under a finger or under a screen reader cannot be used.
    const isInUse = focused !== null && (focused.matches('input, select') || focused.closest('details[open]') !== null);
    if (!isOwn && isInUse) continue;
    const opened = [...section.querySelectorAll('details[open]')].map((details) => details.id);
    const template = document.createElement('template');
    template.innerHTML = html;
    section.replaceChildren(template.content);
    known[id] = version;
    for (const name of opened) document.getElementById(name)?.setAttribute('open', '');
    if (focused === null) continue;
    const again = focused.id === '' ? null : document.getElementById(focused.id);
    (again ?? section.querySelector('h2'))?.focus();
  }
  say(answer.say);
  offerPictures(answer.pictures ?? {});
}

/**
 * What was open served the button that was pressed. Left open, it would keep its section from changing where the effect of the button is
 * only in a later answer. The focus goes to the summary, outermost first.
 */
function closeDetails() {
  for (const details of document.querySelectorAll('details[open]')) {
    const hasFocus = details.contains(document.activeElement);
    details.removeAttribute('open');
    if (hasFocus) details.querySelector('summary').focus();
  }
}

// Faces as pictures, where the configuration allows them: in the memory of this page only, and no longer than the server has them.

/** By track: the id of the picture, and its address in this page. @type {Map<string, { id: number, address: string }>} */
const pictures = new Map();
/** The ids of the pictures that the server has, by track. @type {Record<string, number>} */
let offered = {};
let isFetching = false;
/** The most pictures of one answer. */
const picturesAtOnce = 20;

/** @param {Record<string, number>} list */
function offerPictures(list) {
  offered = list;
  for (const track of pictures.keys()) if (offered[track] === undefined) removePicture(track);
  showPictures();
  if (!isFetching) void fetchPictures();
}

/** @param {string} track */
function removePicture(track) {
  URL.revokeObjectURL(pictures.get(track)?.address);
  pictures.delete(track);
}

function removePictures() {
  offerPictures({});
}

const pictureElements = () => [...document.querySelectorAll('img[data-track]')];

function showPictures() {
  for (const image of pictureElements()) {
    const address = pictures.get(image.dataset.track)?.address;
    image.hidden = address === undefined;
    if (address === undefined) image.removeAttribute('src');
    else if (image.src !== address) image.src = address;
  }
}

async function fetchPictures() {
  isFetching = true;
  while (!isOver && !document.hidden) {
    const tracks = [...new Set(pictureElements().map((image) => image.dataset.track))];
    const missing = tracks.filter(
      (track) => offered[track] !== undefined && pictures.get(track)?.id !== offered[track],
    );
    if (missing.length === 0) break;
    const answer = await ask('pictures', { tracks: missing.slice(0, picturesAtOnce).join(',') });
    if (answer === null) break;
    for (const [track, jpeg] of Object.entries(answer.jpegs)) {
      const bytes = Uint8Array.from(atob(jpeg), (character) => character.charCodeAt(0));
      removePicture(track);
      const address = URL.createObjectURL(new Blob([bytes], { type: 'image/jpeg' }));
      pictures.set(track, { id: answer.pictures[track], address });
    }
    offerPictures(answer.pictures);
    // Nothing came of what was asked for: it is asked for again with the next question.
    if (Object.keys(answer.jpegs).length === 0) break;
  }
  isFetching = false;
}

let timer = 0;

/** @param {number | null} ms */
function askAgain(ms) {
  clearTimeout(timer);
  if (ms === null) return finish();
  timer = setTimeout(refresh, ms);
}

function finish() {
  isOver = true;
  removePictures();
  sessionStorage.clear();
}

async function refresh() {
  // A page in the background costs no battery. It asks when it is shown again.
  if (document.hidden || isOver) return;
  const answer = await ask('ask');
  if (answer === null) return;
  show(answer, false);
  askAgain(answer.againMs);
}

async function act(action, given) {
  clearTimeout(timer);
  const answer = await ask(action, given);
  if (answer === null) return;
  show(answer, true);
  askAgain(answer.againMs);
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) removePictures();
  else void refresh();
});

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('button[data-action]') : null;
  if (button === null || isOver) return;
  event.preventDefault();
  const form = button.closest('form');
  const given = { ...button.dataset, ...(form === null ? {} : Object.fromEntries(new FormData(form))) };
  const { action } = given;
  delete given.action;
  void act(action, given);
});

document.addEventListener('submit', (event) => {
  event.preventDefault();
  event.target.querySelector('button[data-action]')?.click();
});

// Photos: one after the other, so that the phone holds one decoded photo at a time.

/** @type {{ file: File, number: number }[]} */
const photos = [];
let isSending = false;
let chosen = 0;

document.addEventListener('change', (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.type !== 'file') return;
  for (const file of input.files ?? []) photos.push({ file, number: ++chosen });
  input.value = '';
  if (!isSending) void sendPhotos();
});

async function sendPhotos() {
  isSending = true;
  while (photos.length > 0 && !isOver) {
    const { file, number } = photos[0];
    say(texts.sending.replace('{number}', number).replace('{count}', chosen));
    const name = file.name.slice(-60);
    let photo = null;
    try {
      photo = await shrunk(file);
    } catch {
      // The browser does not know this format, or the file is damaged.
    }
    await sendOne(name, photo);
    photos.shift();
  }
  isSending = false;
}

/** Asks again while the server has too many photos to analyse. */
async function sendOne(name, photo) {
  while (!isOver) {
    const answer = photo === null ? await ask('unreadable', { name }) : await ask('photo', { name }, photo);
    if (answer === null) return;
    show(answer, false);
    askAgain(answer.againMs);
    if (!answer.full) return;
    await wait(1000);
  }
}

/** The photo as a JPEG of at most 2,048 px, upright, without the place where it was taken. @param {File} file */
async function shrunk(file) {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const scale = Math.min(1, photoEdgePx / Math.max(image.naturalWidth, image.naturalHeight));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    // Transparent pixels are grey, as they are for photos from a file.
    context.fillStyle = '#808080';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', jpegQuality));
    // Safari keeps the pixels of a canvas until its size changes.
    canvas.width = canvas.height = 0;
    return new Uint8Array(await blob.arrayBuffer());
  } finally {
    URL.revokeObjectURL(address);
  }
}

if (secret.length === 32) void refresh();
else over(texts.nolink);
