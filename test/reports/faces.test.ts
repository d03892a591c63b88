// The report for the page of `roomkin open`: the last faces and the positions, from a day with more than are shown.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createLastFaces } from '../../src/commands/open-faces.js';
import { loadConfig } from '../../src/config/load.js';
import type { JournalEntry } from '../../src/journal/codec.js';
import type { Sources } from '../../src/reports/report.js';
import { makeReport } from '../../src/reports/reports.js';
import { shortFolder } from '../helpers/short-folder.js';
import { madeUpEntry } from '../journal/made-up-observations.js';

const folder = shortFolder(t);
writeFileSync(join(folder, 'config.toml'), '[room]\nid = "lab"\n[camera]\nwidth = 1280\nheight = 960\n');
const config = loadConfig(join(folder, 'config.toml'));
const nowMs = Date.now();

function facesOf(entries: readonly JournalEntry[], last: number, after?: number) {
  const sources = {
    config,
    daemon: null,
    store: { people: () => [{ id: 'ada', name: 'Ada' }] } as unknown as Sources['store'],
    space: () => '',
    gallery: () => ({ people: [], cohort: [] }) as unknown as ReturnType<Sources['gallery']>,
    journal: () => ({ newestFirst: () => entries.toReversed(), since: () => [], find: () => null }),
  };
  return makeReport('faces', after === undefined ? { last } : { last, after }, sources, {
    signal: new AbortController().signal,
    progress: () => {},
  });
}

const entry = (id: number, changes: Partial<JournalEntry> = {}): JournalEntry => ({
  id,
  ...madeUpEntry({ wallMs: nowMs - 3_600_000 + id * 1000, track: Math.floor(id / 20), box: [id / 10, 20, 90, 90] }),
  ...changes,
});

t.test('the newest face of each track, newest first, and the newest positions', async (t) => {
  const entries = Array.from({ length: 1200 }, (_, id) => entry(id));
  const { faces, positions, width, height } = await facesOf(entries, 50);
  t.strictSame([width, height], [1280, 960]);
  t.strictSame(
    faces.map(({ id }) => id),
    Array.from({ length: 50 }, (_, i) => 1199 - 20 * i),
  );
  t.equal(positions.length, 400);
  t.match(positions.at(-1), {
    xPx: 119.9 + 45,
    yPx: 65,
    name: 'Ada',
    at: new Date(entries.at(-1)!.wallMs).toISOString(),
  });
  t.match(positions[0], { xPx: 80 + 45 });
});

t.test(
  'a face that counted stays before a later glimpse; who is forgotten has no name; static entries are left out',
  async (t) => {
    const { faces, positions } = await facesOf(
      [
        entry(1, { wallMs: nowMs - 2 * 86_400_000 }),
        entry(21, { track: 1 }),
        entry(22, { track: 1, weight: 0 }),
        entry(41, { track: 2, person: 'gone' }),
        entry(61, { track: 3, box: [0, 0, 0, 0] }),
      ],
      50,
    );
    t.match(faces, [
      { id: 41, name: null, person: null },
      { id: 21, name: 'Ada', counted: true },
    ]);
    t.equal(positions.length, 3);
  },
);

t.test('only what is new is read; a journal that starts again is read as a whole', async (t) => {
  const entries = Array.from({ length: 3000 }, (_, id) => entry(id + 1));
  const first = await facesOf(entries, 50);
  t.match(first, { whole: true, newest: 3000 });
  t.match(await facesOf(entries, 50, 3000), { whole: false, newest: 3000, faces: [], positions: [] });
  const next = await facesOf([...entries, entry(3001), entry(3002)], 50, 3000);
  t.match(next, { whole: false, newest: 3002, faces: [{ id: 3002 }], positions: [{}, {}] });
  t.equal(next.positions.length, 2);
  t.equal((await facesOf(entries, 50, 2500)).positions.length, 400);
  t.match(await facesOf(entries, 50, 100), { whole: true }, 'more is new than is read');
  t.match(await facesOf(entries.slice(0, 10), 50, 3000), { whole: true, newest: 10 });
});

t.test('what is new is put together with what was known', async (t) => {
  const given: unknown[] = [];
  let entries = [entry(1, { track: 1 }), entry(2, { track: 2 })];
  const last = createLastFaces(2, ({ last: most, after }) => {
    given.push(after);
    return facesOf(entries, most, after);
  });
  const ids = async (people: unknown) => (await last(people)).faces.map(({ id }) => id);
  t.strictSame(await ids('a'), [2, 1]);
  entries = [...entries, entry(3, { track: 1, weight: 0 }), entry(4, { track: 3 })];
  t.strictSame(await ids('a'), [4, 2], 'the newest tracks');
  t.equal((await last('a')).positions.length, 4);
  entries = entries.slice(0, 2);
  t.strictSame(await ids('b'), [2, 1], 'after a change of the people all is read');
  t.strictSame(given, [undefined, 2, 4, undefined]);
});
