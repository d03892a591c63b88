// The report for the page of `roomkin open`: the last faces and the positions, from a day with more than are shown.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
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

function facesOf(entries: readonly JournalEntry[], last: number) {
  const sources = {
    config,
    daemon: null,
    store: { people: () => [{ id: 'ada', name: 'Ada' }] } as unknown as Sources['store'],
    space: () => '',
    gallery: () => ({ people: [], cohort: [] }) as unknown as ReturnType<Sources['gallery']>,
    journal: () => ({ since: (ms: number) => entries.filter(({ wallMs }) => wallMs >= ms), find: () => null }),
  };
  return makeReport('faces', { last }, sources, { signal: new AbortController().signal, progress: () => {} });
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
