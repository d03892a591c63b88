// The sealed journal entries of the last day, which `why`, `correct` and `replay` read. No pictures. Only the id and the time are
// stored in the clear. The key file wraps the key of the entries. If this file is lost, only explanations are lost.

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
  /** Stores entries, all or none. Returns their ids. Errors: DATABASE, as for every method. */
  append(entries: readonly NewEntry[]): readonly number[];
  /** The newest `last` entries, oldest first. */
  recent(last: number): readonly JournalEntry[];
  /** The entries from this wall time on, oldest first. Reads in pages, so that a whole day is never in memory. */
  since(wallMs: number): Iterable<JournalEntry>;
  find(id: number): JournalEntry | null;
  /** Erases every entry that mentions this person as name, best, second or in its reason, and then truncates the log. */
  forget(person: PersonId): void;
  /** Erases entries that are older, and entries dated more than a day into the future (the clock was wrong). */
  prune(olderThanMs: number): void;
  close(): void;
}

export interface JournalStoreOptions {
  readonly directory: string;
  /** Must exist: the gallery creates it and is opened first. */
  readonly keyFile: string;
  /** Called when the file was damaged or belongs to another key file and was replaced by an empty one. */
  readonly onDamage?: (sentence: string) => void;
  /** The most entries; beyond them the oldest are erased. 50,000 entries take about 40 MB. */
  readonly maxEntries?: number;
  /** Wall clock, for `prune`. */
  readonly wallMs?: () => number;
}

/** The owner of the key of the entries; not a possible person id. */
const owner = 'looks:';
const dayMs = 86_400_000;
/** Rows per page of `since`. */
const page = 500;

interface Row {
  readonly id: number;
  readonly atMs: number;
  readonly sealed: Buffer;
}

/** Opens the entries of the last day and creates the file if it is missing. Errors: DATABASE, KEY_FILE. */
export function openJournalStore(options: JournalStoreOptions): JournalStore {
  const { directory, keyFile, onDamage = () => {}, maxEntries = 50_000, wallMs = Date.now } = options;
  const path = join(directory, journalDatabaseName);
  const keys = openKeyring(keyFile, true);
  const database = openJournalDatabase(directory, onDamage);
  const guarded = <T>(work: () => T): T => translated(path, work);
  const prepared = <P extends unknown[], R>(text: string) => database.prepare<P, R>(text);
  const columns = 'SELECT id, at_ms AS atMs, sealed FROM look';
  const sql = {
    key: prepared<[], Buffer>("SELECT value FROM meta WHERE key = 'key'").pluck(),
    setKey: prepared<[Buffer], void>("INSERT OR REPLACE INTO meta VALUES ('key', ?)"),
    lastId: prepared<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'look'").pluck(),
    add: prepared<[number, number, Buffer], void>('INSERT INTO look VALUES (?, ?, ?)'),
    newest: prepared<[number], Row>(`${columns} ORDER BY at_ms DESC, id DESC LIMIT ?`),
    after: prepared<[number, number], Row>(`${columns} WHERE (at_ms, id) > (?, ?) ORDER BY at_ms, id LIMIT ${page}`),
    byId: prepared<[number], Row>(`${columns} WHERE id = ?`),
    remove: prepared<[number], void>('DELETE FROM look WHERE id = ?'),
    removeUpTo: prepared<[number], void>('DELETE FROM look WHERE id <= ?'),
    removeAged: prepared<[number, number], void>('DELETE FROM look WHERE at_ms < ? OR at_ms > ?'),
    removeAll: prepared<[], void>('DELETE FROM look'),
  };

  const key = openKey();
  const place = (id: number, atMs: number): string[] => ['look', entryFormat, String(id), String(atMs)];

  return {
    append(entries) {
      return guarded(() =>
        database
          .transaction(() => {
            const lastId = sql.lastId.get() ?? 0;
            const ids = entries.map((entry, index) => {
              const id = lastId + 1 + index;
              const atMs = Math.round(entry.wallMs);
              sql.add.run(id, atMs, seal(key, encodeEntry(entry), place(id, atMs)));
              return id;
            });
            sql.removeUpTo.run(lastId + entries.length - maxEntries);
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
          // An entry that does not open may be about this person, so it is erased too.
          const theirs = rows.filter((row) => open(row).every((entry) => isAbout(entry, person)));
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

  /** The key of the entries. Under another key file they cannot be opened: they are erased, and their ids are not reused. */
  function openKey(): Buffer {
    try {
      return guarded(() =>
        database
          .transaction(() => {
            const wrapped = sql.key.get();
            const known = wrapped === undefined ? null : keys.unwrap(wrapped, owner);
            if (known !== null) return known;
            const fresh = keys.create(owner);
            if (wrapped !== undefined)
              onDamage(`${path} belongs to another key file and was replaced by an empty file`);
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

  /** Empty if the seal does not open: the entry is damaged or was moved from another row. */
  function open({ id, atMs, sealed }: Row): JournalEntry[] {
    const bytes = unseal(key, sealed, place(id, atMs));
    return bytes === null ? [] : [{ id, wallMs: atMs, ...decodeEntry(bytes) }];
  }
}

// The file of the entries. It is separate from the gallery, because it is written every few seconds and only matters for one day. A
// power cut may lose its last seconds. A file that is damaged or of another format is replaced, never repaired.

/** File name of the entries inside the store's directory. */
const journalDatabaseName = 'looks.sqlite';

/** `user_version` of this format. A file with any other value is emptied. */
const format = 2;

// `at_ms` is wall time; `sealed` is an entry of codec.ts, bound to its row. AUTOINCREMENT: an id is never reused.
const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE look (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;
  CREATE INDEX look_at ON look (at_ms, id);
`;

/** Whether `directory` has a journal. */
export function hasJournal(directory: string): boolean {
  return existsSync(join(directory, journalDatabaseName));
}

/**
 * Opens `directory/looks.sqlite` and creates it (mode 0600) if it is missing. Replaces a damaged file by an empty one and reports that
 * to `onDamage`. Errors: DATABASE.
 */
function openJournalDatabase(directory: string, onDamage: (sentence: string) => void): SqlDatabase {
  const path = join(directory, journalDatabaseName);
  return translated(path, () => {
    makePrivate(directory, path);
    try {
      return openDatabase(path);
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      eraseJournal(directory);
      onDamage(
        `${path} was damaged and was replaced by an empty file: roomkin cannot explain the faces of the last day`,
      );
      makePrivate(directory, path);
      return openDatabase(path);
    }
  });
}

/** Removes the file with all its entries. Errors: DATABASE. */
export function eraseJournal(directory: string): void {
  const path = join(directory, journalDatabaseName);
  translated(path, () => {
    for (const name of [path, `${path}-wal`, `${path}-shm`]) rmSync(name, { force: true });
  });
}

/** Whether an SQLite error means that the file itself is broken, not that it is out of reach. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(code) || (error.cause !== undefined && isDamage(error.cause));
}

function openDatabase(path: string): SqlDatabase {
  const database = new Database(path, { timeout: 5000 });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma('secure_delete = ON');
    prepare(database);
    // Reads the two trees from end to end: 30 ms for a day on a desktop. Each row is also protected by its own seal.
    const [result] = database.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
    if (result?.quick_check !== 'ok') throw new Database.SqliteError(`${result?.quick_check}`, 'SQLITE_CORRUPT');
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
    // Check again under the write lock: another process may have created the tables meanwhile.
    if (version() === format) return;
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    for (const { name } of tables.all() as { name: string }[])
      database.exec(`DROP TABLE "${name.replaceAll('"', '""')}"`);
    database.exec(schema);
    database.pragma(`user_version = ${format}`);
  });
  run.immediate();
}

// The journal in memory, for when writing is switched off or the disk fails. It holds the newest entries until the daemon stops.

/** The most entries in memory; `why` shows as many. */
const mostInMemory = 200;

/** A JournalStore in memory; ids start above `afterId`. */
export function createMemoryJournal(afterId = 0): JournalStore {
  let entries: JournalEntry[] = [];
  let lastId = afterId;
  const clear = (): void => {
    entries = [];
  };
  const sorted = (): JournalEntry[] => entries.toSorted((a, b) => a.wallMs - b.wallMs || a.id - b.id);
  return {
    append(incoming) {
      const added = incoming.map((entry) => ({ ...entry, id: ++lastId }));
      entries = [...entries, ...added].slice(-mostInMemory);
      return added.map(({ id }) => id);
    },
    recent: (last) => sorted().slice(-last),
    since: (wallMs) => sorted().filter((entry) => entry.wallMs >= wallMs),
    find: (id) => entries.find((entry) => entry.id === id) ?? null,
    forget(person: PersonId) {
      entries = entries.filter((entry) => !isAbout(entry, person));
    },
    prune(olderThanMs) {
      entries = entries.filter((entry) => entry.wallMs >= olderThanMs);
    },
    close: clear,
    [Symbol.dispose]: clear,
  };
}
