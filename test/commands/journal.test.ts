// The verbs that read the journal, as processes on a real store and without a daemon: why, replay, forget.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { loadConfig, loadRooms } from '../../src/config/load.js';
import { createCalibrator, journalPlace, recognitionOptions } from '../../src/config/parts.js';
import { chooseEmbedder, readManifest } from '../../src/engine/manifest.js';
import { type NewEntry, openJournalStore } from '../../src/journal/store.js';
import { runVerb } from '../helpers/cli.js';
import { sampledEntries } from '../journal/made-journal.js';
import { madeUpEntry } from '../journal/made-up-observations.js';
import { replay } from '../room/replay-clip.js';
import { type Scene, simulate } from '../room/simulator.js';
import { madeUpTemplate, openTestStore } from '../sharing/household.js';
import { at, errors, json, roomkin, writeConfig } from './place.js';

t.setTimeout(180_000);
const { space } = chooseEmbedder(readManifest(), null);
const config = loadConfig(writeConfig('config.toml', at('store')));
const options = recognitionOptions(config);
const openJournal = () => openJournalStore({ directory: at('store'), keyFile: at('store', 'key') });

/** Ada walks through, then Ben, then an unknown person; each on a separate track. */
const scene: Scene = {
  ...{ seed: 7, dimension: 192, framesPerSecond: 10, durationMs: 40_000, templates: 4, missed: 0.05, similarity: 0.9 },
  residents: ['ada', 'ben'],
  walks: ['ada', 'ben', 'zoe'].map((who, i) => {
    const fromMs = 500 + i * 13_000;
    return { who, fromMs, toMs: fromMs + 9000, x0: 300, x1: 500, y: 400 };
  }),
};
const { frames, gallery } = simulate(scene);

function enrol(): void {
  using store = openTestStore(at('store'));
  store.change((changes) => {
    for (const { name, templates } of gallery.people) {
      const id = changes.person(name);
      for (const { id: n, vector } of templates)
        changes.addTemplate(id, { ...madeUpTemplate(`${name}/${n}`), space, vector });
    }
  });
}

/** The journal entries that the daemon would have written for the scene, an hour ago. */
function recorded(run: string): NewEntry[] {
  using store = openTestStore(at('store'));
  const { calibrated } = createCalibrator(config, space, options);
  const replayed = replay(frames, calibrated(store.gallery(space)), options);
  const beganMs = Date.now() - 3_600_000;
  return sampledEntries(
    replayed,
    frames.map(({ capturedAt }) => capturedAt),
    run,
  ).map((entry) => ({
    ...entry,
    space,
    wallMs: beganMs + entry.atMs,
  }));
}

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => [...line].length));

t.test('without a journal', async (t) => {
  enrol();
  const why = await roomkin('why');
  t.equal(why.code, 69);
  t.match(errors(why), [/^roomkin: DAEMON_NOT_RUNNING: /], 'only a daemon could answer');
  t.match(await roomkin('replay'), {
    code: 0,
    stdout: 'There is no observation of the last 24h, so there is nothing to replay.\n',
  });
  t.match((await json('replay')).document, { tracks: 0, unchanged: 0, leftOut: 0, changes: [] });
  t.notOk(existsSync(at('store', 'looks.sqlite')), 'and reading creates no file');
});

t.test('why reads the journal where no daemon runs, and says so', async (t) => {
  using journal = openJournal();
  const ids = journal.append(recorded('run-a'));
  const { code, stdout, stderr } = await roomkin('why', '--last', '20');
  t.equal(code, 0);
  t.match(stderr, /^notice: the daemon is not running: these are the last observations in its journal\n$/);
  t.ok(widest(stdout) <= 80, stdout);
  t.match(stdout, new RegExp(`^observation ${ids.at(-1)} {2}\\d\\d:\\d\\d:\\d\\d {2}track \\d+\n {4}eyes`, 'm'));
  const all = await roomkin('why', '--last', '200');
  t.ok(widest(all.stdout) <= 80);
  const [text, drawing] = all.stdout.split(/^Observation, nearest people, .*\smarks:$/ms);
  t.match(text, /similarity/, 'text first');
  t.match(drawing, /^ *\d+ Ada +0\.\d\d 0\.\d\d {2}[#█]+[|│][#█]+$/m, 'a bar that passes the threshold');
  t.match(drawing, /^ +Ben +-?0\.\d\d 0\.\d\d {2}[#█ ]+[|│]$/m, 'and one that does not');
  const { document } = await json('why', '--last', '200');
  const ada = document.looks.find(({ best }: { best: { name: string } | null }) => best?.name === 'Ada');
  t.ok(ada.best.threshold > 0.4 && ada.best.threshold < 0.7);
  t.strictSame(
    document.looks.map(({ id }: { id: number }) => id),
    ids.slice(-200),
    'oldest first, with their numbers in the journal',
  );
  t.ok(document.looks.some(({ name }: { name: string }) => name === 'Ada'));
  journal.append([madeUpEntry({ space, wallMs: Date.now() - 90_000_000 })]);
  t.equal((await json('why', '--last', '200')).document.looks.length, Math.min(200, ids.length));
  t.equal(journal.recent(1000).length, ids.length, 'entries older than a day are erased on the way');
});

t.test('replay shows no change under the same thresholds, and changes under stricter ones', async (t) => {
  const same = await roomkin('replay', '--since', '2h');
  t.equal(same.code, 0, same.stderr);
  t.match(same.stdout, /^3 tracks from \d\d:\d\d to \d\d:\d\d: no decision changes\.\n$/);
  const strict = at('strict.toml');
  writeFileSync(
    strict,
    `[room]\nid = "office"\n[store]\ndirectory = "${at('store')}"\n[recognition]\nthreshold = 0.95\n[presence]\nstrangers = false\n`,
  );
  const { code, stdout } = await runVerb(['replay', '--config', strict]);
  t.equal(code, 0);
  t.ok(widest(stdout) <= 80, stdout);
  const words = stdout.replaceAll(/\s+/g, ' ');
  t.match(words, /\d\d:\d\d:\d\d track 1, \d\d observations: was Ada, now nobody: similarity 0\.\d\d, 0\.95 needed/);
  t.match(words, /track 3, \d\d observations: was an unknown person, now nobody: /);
  t.match(words, /3 tracks .*: 3 would be decided differently, 0 not\./);
  const { document } = JSON.parse(`{"document":${(await runVerb(['replay', '--json', '--config', strict])).stdout}}`);
  t.match(document, { tracks: 3, unchanged: 0, leftOut: 0 });
  t.match(document.changes[0], {
    run: 'run-a',
    track: 1,
    before: { person: 'ada', state: 'known' },
    after: { person: null, state: 'unclear', rule: /0\.95 needed/ },
  });
  t.ok(Date.parse(document.changes[0].at) > Date.parse(document.since));
});

t.test('a track that began before the period is left out', async (t) => {
  // A second track of Ada lies across the start of the period, however slow the machine is.
  const minutes = 90;
  using journal = openJournal();
  const entries = journal.recent(1000);
  const [first] = entries;
  const ada = entries.filter(({ run, track }) => run === first!.run && track === first!.track);
  const across = Date.now() - minutes * 60_000;
  journal.append(
    ada.map((entry, n) => ({ ...entry, run: 'run-b', wallMs: across + (n < ada.length / 2 ? -60_000 : 60_000) + n })),
  );
  const { document } = await json('replay', '--since', `${minutes}m`);
  t.match(document, { leftOut: 1 });
  t.match(
    (await roomkin('replay', '--since', `${minutes}m`)).stdout,
    / 1 began\s+earlier\s+and\s+is\s+left\s+out\.\n$/,
  );
});

t.test('observations of another embedder are not compared', async (t) => {
  using journal = openJournal();
  const before = (await json('replay')).document.tracks;
  journal.append([madeUpEntry({ space: 'another', run: 'run-c', wallMs: Date.now() })]);
  t.equal((await json('replay')).document.tracks, before);
});

t.test('a period that replay does not accept is a usage error', async (t) => {
  for (const since of ['25h', '2d', '0h', 'yesterday', '1.5h', '-1h', '']) {
    const result = await roomkin('replay', `--since=${since}`);
    t.equal(result.code, 64, since);
    t.match(errors(result), [/^roomkin: USAGE: .*usage: roomkin replay \[--since 24h\]$/]);
  }
  t.match(errors(await roomkin('replay', '--since', '2d')), [/at most 24 hours/]);
  t.equal((await roomkin('replay', 'ada')).code, 64);
});

t.test('forget erases a person from the journal as well', async (t) => {
  using journal = openJournal();
  const before = journal.recent(10_000);
  t.ok(before.some(({ best }) => best === 'ada'));
  t.equal((await roomkin('forget', 'Ada', '--yes')).code, 0);
  const after = journal.recent(10_000);
  t.notOk(after.some(({ person, best, runnerUp }) => [person, best, runnerUp].includes('ada')));
});

t.test('a damaged journal stops no verb', async (t) => {
  writeFileSync(at('store', 'looks.sqlite'), 'this is not a database, and long enough for SQLite to read it');
  for (const log of ['-wal', '-shm']) rmSync(at('store', `looks.sqlite${log}`), { force: true });
  const { code, stderr } = await roomkin('forget', 'Ben', '--yes');
  t.equal(code, 0);
  t.match(stderr, /^warning: .*looks\.sqlite was damaged and was replaced/);
});

t.test(
  'with several rooms, why reads all journals in the order of time, and forget erases in all of them',
  async (t) => {
    const directory = at('rooms-store');
    const path = at('rooms.toml');
    const tables = ['kitchen', 'hall'].map(
      (id) => `[[room]]\nid = "${id}"\n[room.camera]\nsource = "replay"\ninput = "/nonexistent"\n`,
    );
    writeFileSync(path, `${tables.join('')}[store]\ndirectory = "${directory}"\n`);
    {
      using store = openTestStore(directory);
      store.change((changes) => {
        changes.addTemplate(changes.person('Ada'), { ...madeUpTemplate('Ada/1'), space });
      });
    }
    const rooms = loadRooms(path);
    const nowMs = Date.now();
    for (const [index, { store }] of rooms.entries()) {
      mkdirSync(store.roomDirectory, { recursive: true });
      using journal = openJournalStore(journalPlace(rooms[index]!));
      const entry = (agoMs: number) => madeUpEntry({ space, wallMs: nowMs - agoMs, person: 'ada', best: 'ada' });
      // The rooms in turn: hall 4, kitchen 3, hall 2, kitchen 1 minutes ago.
      journal.append([entry((3 + index) * 60_000), entry((1 + index) * 60_000)]);
    }
    const verb = (...args: string[]) => runVerb([...args, '--config', path]);
    const looksOf = async (...args: string[]) => JSON.parse((await verb('why', '--json', ...args)).stdout).looks;
    const order = (looks: readonly { room?: string }[]) => looks.map(({ room }) => room ?? '-').join();
    t.equal(order(await looksOf()), 'hall,kitchen,hall,kitchen');
    t.equal(order(await looksOf('--last', '3')), 'kitchen,hall,kitchen');
    t.equal(order(await looksOf('--room', 'hall')), '-,-', 'one room is as the only room');
    t.match((await verb('why')).stdout, /^hall, observation 1 /m);
    t.match(await verb('replay'), { code: 64, stderr: /has the rooms kitchen, hall: say which one/ });

    {
      using journal = openJournalStore(journalPlace(rooms[1]!));
      journal.append([madeUpEntry({ space, wallMs: nowMs, person: 'ben', best: 'ben', second: null })]);
    }
    // A room that keeps nothing does not shorten what another one keeps.
    const keepsNothing = tables.map((table, index) =>
      index === 0 ? `${table}[room.privacy]\nlooks_kept_hours = 0\n` : table,
    );
    writeFileSync(path, `${keepsNothing.join('')}[store]\ndirectory = "${directory}"\n`);
    t.equal((await verb('forget', 'Ada', '--yes')).code, 0);
    const left = rooms.map((room) => {
      using journal = openJournalStore(journalPlace(room));
      return journal.recent(10).map(({ person }) => person);
    });
    t.same(left, [[], ['ben']], 'nothing about her is left in any room');
  },
);
