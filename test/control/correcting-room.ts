// A room that accepts corrections: a real gallery, the real journal on disk and the real publisher. Only the clock and the faces are made up.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../../src/config/load.js';
import { createCalibrator, recognitionOptions } from '../../src/config/parts.js';
import { createCorrector } from '../../src/control/corrector.js';
import { daemonSources, type HandlerParts } from '../../src/control/handlers.js';
import { createJournal } from '../../src/journal/journal.js';
import { openJournalStore } from '../../src/journal/store.js';
import type { PicturedObservation } from '../../src/mqtt/snapshot.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { waitFor } from '../helpers/brokers.js';
import { madeUpEntry } from '../journal/made-up-observations.js';
import { lines, type RoomChanges, roomPublisher } from '../mqtt/room.js';
import { madeUpTemplate, mixed, openTestStore, temporaryFolder } from '../sharing/household.js';

const space = 'mobilefacenet-192';
/** The bytes of a JPEG of one grey pixel. */
export const jpeg: Buffer = Buffer.from('/9j/4AAQSkZJRgABAQEAYABgAAD/2Q==', 'base64');

/** Faces that the camera sees, each on a track of its own. */
export const faces = {
  /** An unknown person who is taken for Ada. */
  double: mixed({ Ada: 0.62, stranger: 0.75 }),
  own: mixed({ Ada: 0.95, today: 0.2 }),
  far: mixed({ Ada: 0.2, somebody: 0.9 }),
  /** Ben, taken for Ada. */
  bens: mixed({ Ada: 0.6, Ben: 0.55, evening: 0.6 }),
} as const;

/** A room with a gallery, a journal and a publisher. */
export async function startRoom(
  t: { teardown(work: () => void): void },
  url: string,
  { id = 'kitchen', mqtt = {} }: { readonly id?: string; readonly mqtt?: RoomChanges['mqtt'] } = {},
) {
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
    mqtt: { ...mqtt, corrections: true },
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
