// Yesterday's faces, sealed: what `why`, `correct` and `replay` read. No pictures. Only a number and the time lie in the clear;
// the key that opens the rest is wrapped by the key file. Losing this file loses explanations, nothing else.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { PersonId } from '../gallery/person.js';
import { isAbout } from '../recognition/observation.js';
import { makePrivate, type SqlDatabase, translated, truncateLog } from '../store/database.js';
import { openKeyring } from '../store/keyring.js';
import { seal, unseal } from '../store/seal.js';
import { decodeEntry, encodeEntry, entryFormat, type JournalEntry } from './codec.js';

export type NewEntry = Omit<JournalEntry, 'id'>;

export interface JournalStore extends Disposable {
  /** Keeps observations, all or none. Returns their ids. Errors: DATABASE, as for every method. */
  append(observations: readonly NewEntry[]): readonly number[];
  /** The newest `last`, oldest first. */
  recent(last: number): readonly JournalEntry[];
  /** From this wall time on, oldest first; read in pages, so that a day needs no memory. */
  since(wallMs: number): Iterable<JournalEntry>;
  find(id: number): JournalEntry | null;
  /** Erases every observation that was named as this person, near to them or explained by them, and then the log. */
  forget(person: PersonId): void;
  /** Erases what is older, and what claims to be from a later day than today (a clock that was wrong). */
  prune(olderThanMs: number): void;
  close(): void;
}

export interface JournalStoreOptions {
  readonly directory: string;
  /** Must be there: the gallery, which makes it, is opened first. */
  readonly keyFile: string;
  /** Told when a damaged file or one under another key was started afresh. */
  readonly onDamage?: (sentence: string) => void;
  /** Observations kept at most; the oldest go first. 50,000 are about 40 MB. */
  readonly most?: number;
  /** Wall clock, for `prune`. */
  readonly wallMs?: () => number;
}

/** The owner of the observations' key; not a possible person id. */
const owner = 'looks:';
const dayMs = 86_400_000;
/** Rows read at once by `since`. */
const page = 500;

interface Row {
  readonly id: number;
  readonly atMs: number;
  readonly sealed: Buffer;
}

/** Opens the observations of the last day, making the file where it is missing. Errors: DATABASE, KEY_FILE. */
export function openJournalStore(options: JournalStoreOptions): JournalStore {
  const { directory, keyFile, onDamage = () => {}, most = 50_000, wallMs = Date.now } = options;
  const path = join(directory, journalDatabaseName);
  const keys = openKeyring(keyFile, true);
  const database = openJournalDatabase(directory, onDamage);
  const guarded = <T>(work: () => T): T => translated(path, work);
  const one = <P extends unknown[], R>(text: string) => database.prepare<P, R>(text);
  const columns = 'SELECT id, at_ms AS atMs, sealed FROM look';
  const sql = {
    key: one<[], Buffer>("SELECT value FROM meta WHERE key = 'key'").pluck(),
    setKey: one<[Buffer], void>("INSERT OR REPLACE INTO meta VALUES ('key', ?)"),
    lastId: one<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'look'").pluck(),
    add: one<[number, number, Buffer], void>('INSERT INTO look VALUES (?, ?, ?)'),
    newest: one<[number], Row>(`${columns} ORDER BY at_ms DESC, id DESC LIMIT ?`),
    after: one<[number, number], Row>(`${columns} WHERE (at_ms, id) > (?, ?) ORDER BY at_ms, id LIMIT ${page}`),
    byId: one<[number], Row>(`${columns} WHERE id = ?`),
    remove: one<[number], void>('DELETE FROM look WHERE id = ?'),
    removeUpTo: one<[number], void>('DELETE FROM look WHERE id <= ?'),
    removeAged: one<[number, number], void>('DELETE FROM look WHERE at_ms < ? OR at_ms > ?'),
    removeAll: one<[], void>('DELETE FROM look'),
  };

  const key = openKey();
  const place = (id: number, atMs: number): string[] => ['look', entryFormat, String(id), String(atMs)];

  return {
    append(observations) {
      return guarded(() =>
        database
          .transaction(() => {
            const last = sql.lastId.get() ?? 0;
            const ids = observations.map((observation, index) => {
              const id = last + 1 + index;
              const atMs = Math.round(observation.wallMs);
              sql.add.run(id, atMs, seal(key, encodeEntry(observation), place(id, atMs)));
              return id;
            });
            sql.removeUpTo.run(last + observations.length - most);
            return ids;
          })
          .immediate(),
      );
    },
    recent: (last) =>
      guarded(() => sql.newest.all(last))
        .flatMap(open)
        .reverse(),
    *since(fromMs) {
      for (const rows of pages(Math.ceil(fromMs))) yield* rows.flatMap(open);
    },
    find(id) {
      const row = guarded(() => sql.byId.get(id));
      return (row && open(row)[0]) ?? null;
    },
    forget(person) {
      guarded(() => {
        for (const rows of pages(Number.MIN_SAFE_INTEGER)) {
          // What does not open any more may have been theirs.
          const theirs = rows.filter((row) => open(row).every((observation) => isAbout(observation, person)));
          database.transaction(() => theirs.forEach(({ id }) => void sql.remove.run(id))).immediate();
        }
        truncateLog(database);
      });
    },
    prune(olderThanMs) {
      guarded(() => sql.removeAged.run(olderThanMs, wallMs() + dayMs));
    },
    close: () => void database.close(),
    [Symbol.dispose]: () => void database.close(),
  };

  /** The observations' own key. Under another key file the observations are noise: they go, their numbers stay taken. */
  function openKey(): Buffer {
    try {
      return guarded(() =>
        database
          .transaction(() => {
            const wrapped = sql.key.get();
            const known = wrapped === undefined ? null : keys.unwrap(wrapped, owner);
            if (known !== null) return known;
            const fresh = keys.create(owner);
            if (wrapped !== undefined) onDamage(`${path} belongs to another key file and is started afresh`);
            sql.removeAll.run();
            sql.setKey.run(fresh.wrapped);
            return fresh.key;
          })
          .immediate(),
      );
    } catch (error) {
      database.close();
      throw error;
    }
  }

  function* pages(fromMs: number): Generator<Row[]> {
    let [atMs, id] = [fromMs, 0];
    while (true) {
      const rows = guarded(() => sql.after.all(atMs, id));
      const last = rows.at(-1);
      if (last === undefined) return;
      [atMs, id] = [last.atMs, last.id];
      yield rows;
    }
  }

  /** None where the seal does not open: damaged, or moved from another row. */
  function open({ id, atMs, sealed }: Row): JournalEntry[] {
    const bytes = unseal(key, sealed, place(id, atMs));
    return bytes === null ? [] : [{ id, wallMs: atMs, ...decodeEntry(bytes) }];
  }
}

// The file of the observations: apart from the gallery, because it is written every few seconds and worth one day. It may lose its last
// seconds to a pulled plug, and what is damaged or of another format is thrown away, never repaired.

/** File name of the observations inside the store's directory. */
const journalDatabaseName = 'looks.sqlite';

/** What `user_version` says of this format; a file that says anything else is started afresh. */
const format = 2;

// `at_ms` is wall time; `sealed` is an entry of codec.ts, bound to its row. AUTOINCREMENT: a number is never given to another observation.
const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE look (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;
  CREATE INDEX look_at ON look (at_ms, id);
`;

/** Whether observations were ever kept in `directory`. */
export function hasJournal(directory: string): boolean {
  return existsSync(join(directory, journalDatabaseName));
}

/**
 * Opens `directory/looks.sqlite`, making it (0600) where it is missing. A damaged one is replaced by an empty one, and
 * `onDamage` hears of it. Errors: DATABASE.
 */
function openJournalDatabase(directory: string, onDamage: (sentence: string) => void): SqlDatabase {
  const path = join(directory, journalDatabaseName);
  return translated(path, () => {
    makePrivate(directory, path);
    try {
      return opened(path);
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      eraseJournal(directory);
      onDamage(`${path} was damaged and is started afresh: the faces of the last day are not explained any more`);
      makePrivate(directory, path);
      return opened(path);
    }
  });
}

/** Removes the file with all its observations. Errors: DATABASE. */
export function eraseJournal(directory: string): void {
  const path = join(directory, journalDatabaseName);
  translated(path, () => {
    for (const name of [path, `${path}-wal`, `${path}-shm`]) rmSync(name, { force: true });
  });
}

/** Whether an error of SQLite says that the file itself is broken, not that it cannot be reached. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(code) || (error.cause !== undefined && isDamage(error.cause));
}

function opened(path: string): SqlDatabase {
  const database = new Database(path, { timeout: 5000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma('secure_delete = ON');
    prepare(database);
    // Reads the two trees from end to end: 30 ms for a day on a desk machine. Rows have seals of their own.
    const [found] = database.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
    if (found?.quick_check !== 'ok') throw new Database.SqliteError(`${found?.quick_check}`, 'SQLITE_CORRUPT');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function prepare(database: SqlDatabase): void {
  const version = (): unknown => database.pragma('user_version', { simple: true });
  if (version() === format) return;
  const run = database.transaction(() => {
    // Read again under the write lock: another process may have been first.
    if (version() === format) return;
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    for (const { name } of tables.all() as { name: string }[])
      database.exec(`DROP TABLE "${name.replaceAll('"', '""')}"`);
    database.exec(schema);
    database.pragma(`user_version = ${format}`);
  });
  run.immediate();
}

// The observations where none may be written, or none can: the newest few, until the daemon stops.

/** As many as `why` shows. */
const most = 200;

/** A LookStore in memory; ids begin above `afterId`. */
export function createMemoryJournal(afterId = 0): JournalStore {
  let observations: JournalEntry[] = [];
  let lastId = afterId;
  const clear = (): void => {
    observations = [];
  };
  const sorted = (): JournalEntry[] => observations.toSorted((a, b) => a.wallMs - b.wallMs || a.id - b.id);
  return {
    append(fresh) {
      const kept = fresh.map((observation) => ({ ...observation, id: ++lastId }));
      observations = [...observations, ...kept].slice(-most);
      return kept.map(({ id }) => id);
    },
    recent: (last) => sorted().slice(-last),
    since: (wallMs) => sorted().filter((observation) => observation.wallMs >= wallMs),
    find: (id) => observations.find((observation) => observation.id === id) ?? null,
    forget(person: PersonId) {
      observations = observations.filter((observation) => !isAbout(observation, person));
    },
    prune(olderThanMs) {
      observations = observations.filter((observation) => observation.wallMs >= olderThanMs);
    },
    close: clear,
    [Symbol.dispose]: clear,
  };
}
