// The replay of a day in a thread of the daemon: the same as in the process of the verb, and the event loop goes on meanwhile.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { createCalibrator, recognitionOptions } from '../../src/config/parts.js';
import { chooseEmbedder, readManifest } from '../../src/engine/manifest.js';
import { openJournalStore } from '../../src/journal/store.js';
import { makeReport } from '../../src/reports/reports.js';
import { shortFolder } from '../helpers/short-folder.js';
import { madeUpEntry } from '../journal/made-up-observations.js';
import { madeUpTemplate, madeUpVector, openTestStore } from '../sharing/household.js';

const folder = shortFolder(t);
const state = join(folder, 's');
writeFileSync(join(folder, 'config.toml'), `[room]\nid = "lab"\n[store]\ndirectory = "${state}"\n`);
const config = loadConfig(join(folder, 'config.toml'));
const { space } = chooseEmbedder(readManifest(), null);
const store = openTestStore(state);
store.change((changes) => {
  for (const name of ['Ada', 'Ben'])
    changes.addTemplate(changes.person(name), { ...madeUpTemplate(name), space, vector: madeUpVector(name) });
});
const journal = openJournalStore({ directory: state, keyFile: join(state, 'key') });
t.teardown(() => {
  journal.close();
  store.close();
});
const count = 1000;
const nowMs = Date.now();
journal.append(
  Array.from({ length: count }, (_, n) =>
    madeUpEntry({
      space,
      track: Math.floor(n / 10),
      nth: (n % 10) + 1,
      atMs: n * 1000,
      wallMs: nowMs - (count - n) * 1000,
      weight: 0.9,
      embedding: madeUpVector(n % 20 < 10 ? 'Ada' : `somebody ${n % 7}`),
    }),
  ),
);

const sources = (daemon: number | null) => ({
  config,
  store,
  daemon,
  space: () => space,
  journal: () => journal,
  gallery: () => createCalibrator(config, space, recognitionOptions(config)).calibrated(store.gallery(space)),
});
const work = (signal = new AbortController().signal, progress: (text: string) => void = () => {}) => ({
  signal,
  progress,
});

t.test('the same result in a thread, with its progress, and other work goes on', async (t) => {
  const here = await makeReport('replay', { since: 86_400_000 }, sources(null), work());
  t.equal(here.tracks, count / 10);
  const told: string[] = [];
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const there = await makeReport(
    'replay',
    { since: 86_400_000 },
    sources(process.pid),
    work(undefined, (text) => told.push(text)),
  );
  delay.disable();
  t.same({ ...there, since: '' }, { ...here, since: '' });
  t.match(told.at(-1), /^\d+ observations$/);
  t.ok(delay.percentile(99) / 1e6 < 100, `99 % of the turns within ${(delay.percentile(99) / 1e6).toFixed(0)} ms`);
});

t.test('who leaves ends the thread, and an error keeps its code', async (t) => {
  const leave = new AbortController();
  const asked = makeReport(
    'replay',
    { since: 86_400_000 },
    sources(process.pid),
    work(leave.signal, () => leave.abort()),
  );
  await t.rejects(asked, { name: 'AbortError' });
  const broken = { ...sources(process.pid), config: { ...config, store: { ...config.store, keyFile: '/nowhere' } } };
  await t.rejects(makeReport('replay', { since: 86_400_000 }, broken, work()), { code: 'KEY_FILE' });
});
