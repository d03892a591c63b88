// Corrections over MQTT with a real broker, a real gallery and the real journal on disk. Only the clock and the faces are made up.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../../src/config/load.js';
import { createCalibrator, recognitionOptions } from '../../src/config/parts.js';
import { createCorrector } from '../../src/control/corrector.js';
import { daemonSources, type HandlerParts } from '../../src/control/handlers.js';
import { createJournal } from '../../src/journal/journal.js';
import { openJournalStore } from '../../src/journal/store.js';
import type { PicturedObservation } from '../../src/mqtt/snapshot.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { makeReport } from '../../src/reports/reports.js';
import { listenTo, mosquittoPath, startAedes, startMosquitto, waitFor } from '../helpers/brokers.js';
import { madeUpEntry } from '../journal/made-up-observations.js';
import { lines, roomPublisher } from '../mqtt/room.js';
import { madeUpTemplate, madeUpVector, openTestStore, temporaryFolder } from '../sharing/household.js';

t.setTimeout(120_000);
const space = 'mobilefacenet-192';
const hourMs = 3_600_000;
const [topic, answers] = ['room/kitchen/correction/set', 'room/kitchen/correction'];
const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);

/** Unit length: a share of one made-up direction each. */
function mixed(shares: Readonly<Record<string, number>>): Float32Array {
  const sum = new Float32Array(192);
  for (const [seed, share] of Object.entries(shares))
    for (const [n, value] of madeUpVector(seed).entries()) sum[n]! += share * value;
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}

/** Faces that the camera sees, each on a track of its own. */
const faces = {
  /** An unknown person who is taken for Ada. */
  double: mixed({ Ada: 0.62, stranger: 0.75 }),
  own: mixed({ Ada: 0.95, today: 0.2 }),
  far: mixed({ Ada: 0.2, somebody: 0.9 }),
  /** Ben, taken for Ada. */
  bens: mixed({ Ada: 0.6, Ben: 0.55, evening: 0.6 }),
} as const;

/** A room with a gallery, a journal and a publisher. */
async function startRoom(t: { teardown(work: () => void): void }, url: string, id = 'kitchen') {
  const directory = temporaryFolder();
  t.teardown(() => rmSync(directory, { recursive: true }));
  const text = `[room]\nid = "${id}"\n[mqtt]\ncorrections = true\n[privacy]\nsnapshots = true\n[store]\ndirectory = "${directory}"\n`;
  const config = parseConfig(text, 'c.toml');
  const store = openTestStore(directory);
  store.change((changes) => {
    for (const name of ['Ada', 'Ben']) {
      const person = changes.person(name);
      for (const n of [1, 2, 3])
        changes.addTemplate(person, {
          ...madeUpTemplate(`${name}${n}`),
          space,
          vector: mixed({ [name]: 1, [`${name}${n}`]: 0.4 }),
        });
    }
  });
  const clock = {
    passedMs: 0,
    monotonicMs: () => performance.now() + clock.passedMs,
    wallMs: () => Date.now() + clock.passedMs,
  };
  const { log, all } = lines();
  const journal = createJournal({
    open: () => openJournalStore({ directory, keyFile: join(directory, 'key'), wallMs: clock.wallMs }),
    retentionMs: config.privacy.looksKeptMs,
    space,
    people: () => new Set(store.people().map(({ id }) => id)),
    clock,
    log,
  });
  const { calibrated } = createCalibrator(config, space, recognitionOptions(config));
  const model = { space } as HandlerParts['model'];
  const currentGallery = () => calibrated(store.gallery(space));
  const sources = daemonSources({ config, store, journal, model, currentGallery });
  const publisher = roomPublisher(url, {
    room: { id, name: id },
    mqtt: { corrections: true },
    privacy: { snapshots: true, looksKeptMs: config.privacy.looksKeptMs },
    clock,
    log,
  });
  publisher.onCorrection(createCorrector(sources, journal, log));
  publisher.people(store.people());
  publisher.start();
  await waitFor(() => publisher.status().connected);
  let track = 0;
  return {
    ...{ config, store, clock, journal, publisher, sources, lines: all },
    /** The camera sees `face` for three seconds on a new track, and an event is sent with the last picture. */
    arrive(face: Float32Array, person: 'ada' | 'ben' | null): PicturedObservation {
      track += 1;
      const startMs = clock.monotonicMs() - 3000;
      let pictured = { track, atMs: startMs };
      for (let n = 0; n <= 30; n += 1) {
        pictured = { track, atMs: startMs + 100 * n };
        const over = { ...pictured, embedding: face, weight: 0.9, person, best: 'ada' };
        const { run: _run, space: _space, wallMs: _wall, skipped: _skipped, nth: _nth, ...entry } = madeUpEntry(over);
        journal.record([entry as DecidedObservation], pictured.atMs);
      }
      journal.keep(track, pictured.atMs);
      const event: PresenceEvent = {
        type: person === null ? 'stranger_arrived' : 'arrived',
        person,
        name: person === null ? null : 'Ada',
        confidence: 'high',
        present: [],
        atMs: pictured.atMs,
        movedTo: null,
        track,
      };
      publisher.event(event, jpeg, pictured);
      return pictured;
    },
    async [Symbol.asyncDispose]() {
      await publisher.stop();
      journal[Symbol.dispose]();
      store.close();
    },
  };
}

/** The kitchen, and what somebody with a phone does. */
async function startPhone(t: { teardown(work: () => void): void }) {
  const broker = mosquittoPath === null ? await startAedes() : await startMosquitto();
  const listener = await listenTo(broker.url);
  const kitchen = await startRoom(t, broker.url);
  const events = () => listener.of('room/kitchen/person').map((text) => JSON.parse(text));
  const answered = () => listener.of(answers).map((text) => JSON.parse(text));
  return {
    ...{ broker, listener, kitchen, events, answered },
    /** The id in the event of the face that arrives. */
    async seen(face: Float32Array, person: 'ada' | 'ben' | null): Promise<string> {
      const before = events().length;
      kitchen.arrive(face, person);
      await waitFor(() => events().length > before);
      return events().at(-1).correction;
    },
    /** Sends `message` and returns the answer. */
    async say(message: unknown, options = {}) {
      const before = answered().length;
      await listener.say(topic, typeof message === 'string' ? message : JSON.stringify(message), options);
      await waitFor(() => answered().length > before);
      return answered().at(-1);
    },
    corrections: () =>
      makeReport('corrections', {}, kitchen.sources, { signal: new AbortController().signal, progress() {} }),
    undo: (id: number) =>
      makeReport('corrections/undo', { id }, kitchen.sources, { signal: new AbortController().signal, progress() {} }),
    async [Symbol.asyncDispose]() {
      await kitchen[Symbol.asyncDispose]();
      await listener[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

t.test(
  '"Not Ada" and "this is Ben" change the gallery as roomkin correct does, and are undone in the same way',
  async (t) => {
    await using phone = await startPhone(t);
    const id = await phone.seen(faces.bens, 'ada');
    t.match(id, /^[A-Za-z0-9_-]{22}$/);
    const answer = await phone.say({ correction: id, not: 'ada', is: 'Ben' });
    t.match(answer, {
      event_type: 'done',
      correction: id,
      text: /This is not Ada: .*\. This is Ben: .*photos of Ben$/,
    });
    const { corrections } = await phone.corrections();
    t.strictSame(
      corrections.map(({ person, said }) => [person, said]),
      [
        ['ada', 'not'],
        ['ben', 'is'],
      ],
    );
    t.strictSame(
      answer.undo,
      corrections.map((correction) => correction.id),
    );
    const ben = phone.kitchen.store.find('ben');
    t.equal(ben.templates.length, 4);
    for (const undo of answer.undo) await phone.undo(undo);
    t.strictSame((await phone.corrections()).corrections, []);
    t.equal(phone.kitchen.store.find('ben').templates.length, 3);
    t.match(await phone.say({ correction: id, not: 'ada', is: 'Ben' }), {
      event_type: 'refused',
      text: /corrected already/,
    });
    t.strictSame((await phone.corrections()).corrections, [], 'a replay after the undo changes nothing');
  },
);

t.test('two halves of a correction may come one after the other, each once', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.bens, 'ada');
  t.match(await phone.say({ correction: id, is: 'ben' }), { event_type: 'refused', text: /do not clearly match/ });
  t.match(await phone.say({ correction: id, not: 'ada' }), { event_type: 'done', undo: [1] });
  t.match(await phone.say({ correction: id, not: 'ben' }), { event_type: 'refused', text: /corrected already/ });
  t.match(await phone.say({ correction: id, is: 'ben' }), { event_type: 'done', undo: [2] });
  t.equal((await phone.corrections()).corrections.length, 2);
});

t.test('the guards of roomkin correct refuse, and no answer and no log line has a similarity', async (t) => {
  await using phone = await startPhone(t);
  const own = await phone.seen(faces.own, 'ada');
  t.match(await phone.say({ correction: own, not: 'ada' }), {
    event_type: 'refused',
    correction: own,
    text: /^it resembles Ada so much that Ada would lose the name too: /,
    undo: [],
  });
  const far = await phone.seen(faces.far, null);
  t.match(await phone.say({ correction: far, is: 'ada' }), {
    event_type: 'refused',
    text: /photos of Ada do not clearly/,
  });
  t.match(await phone.say({ correction: far, is: 'Eve' }), { event_type: 'refused', text: /nobody is called Eve/ });
  t.match(await phone.say({ correction: far, is: 'ada', not: 'ADA' }), {
    event_type: 'refused',
    text: /cannot be both/,
  });
  t.strictSame((await phone.corrections()).corrections, []);
  t.notMatch(JSON.stringify([phone.answered(), phone.events(), phone.kitchen.lines]), /similarity|\b0\.\d\d/);
});

t.test('hostile messages are refused with one sentence, and change nothing', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  const refusals: readonly (readonly [message: unknown, text: RegExp])[] = [
    ['x'.repeat(200_000), /^the message has 200000 bytes, at most 512 are allowed$/],
    ['{"correction":', /must be \{"correction"/],
    [[], /must be/],
    [{ correction: id }, /must be/],
    [{ correction: id, not: 'ada', template: 5 }, /must be/],
    [{ correction: id, not: { id: 'ada' } }, /must be/],
    [{ correction: '../../../etc/passwd', not: 'ada' }, /must be/],
    [{ correction: 'AAAAAAAAAAAAAAAAAAAAAA', not: 'ada' }, /no picture with this id/],
    [{ correction: id, not: '\u202eada\n{{ 1 }}' }, /^nobody is called [^\n]*\\u202eada/],
  ];
  for (const [message, text] of refusals) {
    const answer = await phone.say(message);
    t.match(answer, { event_type: 'refused', undo: [], text });
    t.ok(answer.text.length < 300 && !/[\n\u202e]/.test(answer.text), answer.text);
  }
  t.strictSame((await phone.corrections()).corrections, []);
});

t.test('a retained message, an old one and one for another room are refused', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  await using hall = await startRoom(t, phone.broker.url, 'hall');
  hall.arrive(faces.double, 'ada');
  await waitFor(() => phone.listener.of('room/hall/person').length === 1);
  const ofHall = JSON.parse(phone.listener.of('room/hall/person')[0]!).correction;
  t.match(ofHall, /^[A-Za-z0-9_-]{22}$/);
  t.match(await phone.say({ correction: ofHall, not: 'ada' }), {
    event_type: 'refused',
    text: /no picture with this id/,
  });

  phone.kitchen.clock.passedMs += 25 * hourMs;
  t.match(await phone.say({ correction: id, not: 'ada' }), { event_type: 'refused', text: /older than 24 hours/ });
  phone.kitchen.clock.passedMs -= 25 * hourMs;

  await phone.kitchen.publisher.stop();
  await phone.listener.say(topic, JSON.stringify({ correction: id, not: 'ada' }), { retain: true });
  const before = phone.answered().length;
  await using again = await startRoom(t, phone.broker.url);
  await waitFor(() => phone.answered().length > before);
  t.match(phone.answered().at(-1), { event_type: 'refused', text: /retain/ });
  t.strictSame(again.store.corrections(), []);
  t.notOk(
    phone.listener.messages.some(({ topic: at, retain }) => at === answers && retain),
    'no answer is retained',
  );
});

t.test('an observation of somebody who was forgotten is gone', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  phone.kitchen.store.forget('ada');
  t.match(await phone.say({ correction: id, is: 'ben' }), { event_type: 'refused', text: /journal no longer has/ });
});

t.test('a flood is neither answered nor logged line by line', async (t) => {
  await using phone = await startPhone(t);
  const id = await phone.seen(faces.double, 'ada');
  const message = JSON.stringify({ correction: id, not: 'nobody-here' });
  for (let batch = 0; batch < 10; batch += 1)
    await Promise.all(Array.from({ length: 50 }, () => phone.listener.say(topic, message, { qos: 0 })));
  await waitFor(() => phone.answered().length >= 10);
  await phone.listener.say('room/kitchen/leave_after/set', '45');
  await waitFor(() => phone.kitchen.publisher.status().connected);
  const about = phone.kitchen.lines.filter((line) => line.includes('correction'));
  t.equal(phone.answered().length, 10);
  t.equal(about.length, 11);
  t.match(
    about.filter((line) => line.startsWith('warning')),
    [/more than 10 corrections .* ignored/],
  );
  phone.kitchen.clock.passedMs += 61_000;
  t.match(await phone.say({ correction: id, not: 'ada' }), { event_type: 'done' }, 'a minute later it works again');
});

t.test('without [mqtt] corrections = true nothing is offered and nothing is heard', async (t) => {
  await using broker = mosquittoPath === null ? await startAedes() : await startMosquitto();
  await using listener = await listenTo(broker.url);
  await using publisher = roomPublisher(broker.url, { privacy: { snapshots: true } });
  const heard: string[] = [];
  publisher.onCommand(({ type }) => heard.push(type));
  publisher.onCorrection(() => Promise.reject(new Error('must not be called')));
  publisher.start();
  await waitFor(() => publisher.status().connected);
  const event = { type: 'arrived', person: 'ada', name: 'Ada', confidence: 'high', present: ['ada'] } as const;
  publisher.event({ ...event, atMs: 0, movedTo: null, track: 1 }, jpeg, { track: 1, atMs: 0 });
  await waitFor(() => listener.of('room/kitchen/person').length === 1);
  const body = JSON.parse(listener.of('room/kitchen/person')[0]!);
  t.match(body, { snapshot: 'room/kitchen/snapshot/arrival' });
  t.notOk('correction' in body);
  await listener.say(topic, '{"correction":"AAAAAAAAAAAAAAAAAAAAAA","not":"ada"}');
  await listener.say('room/kitchen/restart/set', 'PRESS');
  await waitFor(() => heard.includes('restart'));
  t.strictSame(listener.of(answers), []);
  t.notOk(listener.of('homeassistant/device/roomkin/kitchen/config').some((text) => text.includes('"correction"')));
});
