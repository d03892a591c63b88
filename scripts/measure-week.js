// The memory of the daemon's own parts over a simulated week: room, gallery, journal on disk and broker connection are real, the clock and
// the analyses are made. A day has two people with the rhythm of a home, a visitor, and empty hours; a frame is analysed each second, as
// in a room where little moves. It needs dist/ and takes some minutes of the processor.
//
//   node --expose-gc --max-semi-space-size=1 --max-old-space-size=128 scripts/measure-week.js [--days N] [--root DIR]
//
// It prints, for each day, the memory of this process (PSS) and the V8 heap after a collection, and the slope of both from the second day on.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: given } = parseArgs({
  options: {
    days: { type: 'string', default: '7' },
    root: { type: 'string', default: fileURLToPath(new URL('..', import.meta.url)) },
  },
});
const root = resolve(given.root);
const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
const { Aedes } = createRequire(join(root, 'package.json'))('aedes');
const { parseConfig } = await load('config/load.js');
const { createCalibrator, recognitionOptions } = await load('config/parts.js');
const { chooseEmbedder, readManifest } = await load('engine/manifest.js');
const { createJournal } = await load('journal/journal.js');
const { openJournalStore } = await load('journal/store.js');
const { createPublisher } = await load('mqtt/publisher.js');
const { createRoom } = await load('room/room.js');
const { openStore } = await load('store/gallery-store.js');

let state = 1;
const random = () => {
  state = (Math.imul(1664525, state) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const { space, dimension } = chooseEmbedder(readManifest(), null);
function unit(numbers) {
  const length = Math.hypot(...numbers);
  return numbers.map((value) => value / length);
}
const vector = () => unit(Float32Array.from({ length: dimension }, () => random() - 0.5));
const near = (base) => unit(base.map((value) => value + 0.06 * (random() - 0.5)));

const quality = { eyesPx: 60, sharpness: 0.8, yawDegrees: 0, pitchDegrees: 0, light: 0.5, contrast: 0.2 };
const measured = { ...quality, rollDegrees: 0, misfit: 0.05, glare: 0, clarity: 1 };
const people = { ada: vector(), ben: vector() };
/** Hours of the day in which somebody is in the room. The visitor is another person each day. */
const hours = {
  ada: [
    [7, 9],
    [12, 13],
    [17, 23],
  ],
  ben: [
    [8, 9],
    [18, 22],
  ],
  visitor: [[19, 21]],
};
const places = { ada: 200, ben: 600, visitor: 900 };

const folder = mkdtempSync(join(tmpdir(), 'roomkin-week-'));
const aedes = await Aedes.createBroker();
const broker = createServer(aedes.handle);
await new Promise((done) => broker.listen(0, '127.0.0.1', done));
const log = () => {};
try {
  const url = `mqtt://127.0.0.1:${broker.address().port}`;
  const config = parseConfig(
    `[room]\nid = "lab"\n[mqtt]\nurl = "${url}"\nprotocol = 4\n[store]\ndirectory = "${folder}"\n`,
    'week',
  );
  const startMs = Date.UTC(2026, 10, 23);
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallMs: () => startMs + nowMs };
  const store = openStore({ ...config.store });
  store.change((changes) => {
    for (const [name, base] of Object.entries(people)) {
      const person = changes.person(name);
      for (let photo = 0; photo < 10; photo++) {
        const template = near(base);
        changes.addTemplate(person, {
          space,
          vector: template,
          quality: measured,
          source: Buffer.from(template.buffer).subarray(0, 32),
        });
      }
    }
  });
  const { calibrated } = createCalibrator(config, space, recognitionOptions(config));
  const gallery = calibrated(store.gallery(space));
  const publisher = createPublisher(
    {
      ...config,
      household: { id: config.household.id, shares: false },
      version: '0',
      board: { model: null, serial: null },
      machine: { temperature: false, throttling: false },
    },
    clock,
    { get: () => null, set() {} },
    log,
  );
  publisher.people(gallery.people.map(({ id, name }) => ({ id, name })));
  publisher.start();
  const journal = createJournal({
    open: () => openJournalStore({ ...config.store, wallMs: clock.wallMs }),
    retentionMs: config.privacy.looksKeptMs,
    space,
    people: () => new Set(gallery.people.map(({ id }) => id)),
    clock,
    log,
  });
  let events = 0;
  const counts = new Map();
  const room = createRoom(
    () => gallery,
    recognitionOptions(config),
    {
      state: (snapshot) => publisher.state(snapshot),
      event(event) {
        events++;
        counts.set(event.person ?? event.type, (counts.get(event.person ?? event.type) ?? 0) + 1);
        publisher.event(event);
      },
      observations: journal.record,
    },
    nowMs,
    'lab',
  );
  publisher.camera(true);

  const pss = () => Number(/^Pss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]) / 1024;
  const days = [];
  let frames = 0;
  for (let day = 0; day < Number(given.days); day++) {
    people.visitor = vector();
    for (let second = 0; second < 86_400; second++) {
      nowMs = 1000 * (86_400 * day + second);
      const hour = second / 3600;
      const here = Object.keys(hours).filter((name) => hours[name].some(([from, to]) => hour >= from && hour < to));
      // Everybody turns away now and then.
      const seen = here.filter(() => random() > 0.2);
      const faces = seen.map((name) => {
        // Somebody who never moves would count as a picture after an hour.
        const [x, y] = [60 * Math.sin(second / 300), 40 * Math.sin(second / 470)];
        const box = [places[name] + x + 8 * random(), 200 + y + 8 * random(), 120, 120];
        return { box, landmarks: [], score: 0.9, quality: measured, embedding: near(people[name]) };
      });
      room.see({ capturedAt: nowMs, sequence: frames, width: 1280, height: 960, faces }, []);
      frames++;
      // Timers, the broker and the disk get their turn.
      if (second % 60 === 0) await turn();
    }
    journal.flush();
    await new Promise((done) => setTimeout(done, 500));
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    days.push({ pss: pss(), heap: heapUsed / 2 ** 20, external: external / 2 ** 20 });
    const { pss: mb, heap, external: outside } = days.at(-1);
    console.log(
      `day ${day + 1}: ${frames} frames, ${events} events, ${mb.toFixed(1)} MB (PSS), V8 heap ${heap.toFixed(1)} MB, outside of it ${outside.toFixed(1)} MB`,
    );
  }
  const slope = (key) => {
    const rest = days.slice(1).map((day) => day[key]);
    const middle = (rest.length - 1) / 2;
    const mean = rest.reduce((sum, value) => sum + value, 0) / rest.length;
    const up = rest.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
    return up / rest.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  };
  if (days.length > 2) {
    const text = (value) => `${value >= 0 ? '+' : ''}${value.toFixed(2)} MB a day`;
    console.log(`slope from day 2 on: PSS ${text(slope('pss'))}, V8 heap ${text(slope('heap'))}`);
  }
  console.log(`events: ${[...counts].map(([name, count]) => `${name} ${count}`).join(', ')}`);
  const { user, system } = process.cpuUsage();
  console.log(`processor time ${((user + system) / 1e6).toFixed(0)} s`);
  journal[Symbol.dispose]();
  await publisher.stop();
  store[Symbol.dispose]();
} finally {
  broker.close();
  aedes.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
