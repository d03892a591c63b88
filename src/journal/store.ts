// The sealed journal entries of the last day, which `why`, `correct` and `replay` read. No pictures. Only the id and the time are
// stored in the clear. The entries of an hour have a key, which the key file wraps. If this file is lost, only explanations are lost.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { PersonId } from '../gallery/person.js';
import { isAbout } from '../recognition/observation.js';
import { makePrivate, type SqlDatabase, translated } from '../store/database.js';
import { openKeyring } from '../store/keyring.js';
import { seal, unseal } from '../store/seal.js';
import { decodeEntry, encodeEntry, entryFormat, type JournalEntry } from './codec.js';

export type NewEntry = Omit<JournalEntry, 'id'>;

export interface JournalStore extends Disposable {
  /** Stores entries, all or none. Returns their ids. Errors: DATABASE, as for every method. */
  append(entries: readonly NewEntry[]): readonly number[];
  /** The `last` entries that were appended last, oldest first. */
  recent(last: number): readonly JournalEntry[];
  /** The newest entry first. Reads in small pages, so that a question costs little memory. */
  newestFirst(): Iterable<JournalEntry>;
  /** The entries from this wall time on, in the order in which they were appended. Reads in pages, so that a whole day is never in memory. */
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

/** The owner of the keys of the entries; not a possible person id. */
const owner = 'looks:';
const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Rows per page of `since`. */
const page = 500;
/** Rows per page of `newestFirst`. */
const smallPage = 50;
const everything = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const;

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
  const rows = (table: string, order: string) =>
    `SELECT id, at_ms AS atMs, sealed FROM ${table} WHERE id > ? AND at_ms BETWEEN ? AND ? ORDER BY id ${order} LIMIT ?`;
  type Range = [afterId: number, oldestMs: number, newestMs: number, most: number];
  const sql = {
    key: prepared<[string], Buffer>('SELECT value FROM meta WHERE key = ?').pluck(),
    setKey: prepared<[string, Buffer], void>('INSERT OR REPLACE INTO meta VALUES (?, ?)'),
    hourKeys: prepared<[], string>("SELECT key FROM meta WHERE key LIKE 'hour %'").pluck(),
    removeKey: prepared<[string], void>('DELETE FROM meta WHERE key = ?'),
    lastId: prepared<[], number>("SELECT value FROM meta WHERE key = 'last_id'").pluck(),
    setLastId: prepared<[number], void>("UPDATE meta SET value = ? WHERE key = 'last_id'"),
    add: prepared<[number, number, Buffer], void>('INSERT INTO look VALUES (?, ?, ?)'),
    first: tables.map((table) => prepared<Range, Row>(rows(table, 'ASC'))),
    before: tables
      .map((table) =>
        prepared<Range, Row>(
          `SELECT id, at_ms AS atMs, sealed FROM ${table} WHERE id < ? AND at_ms BETWEEN ? AND ? ORDER BY id DESC LIMIT ?`,
        ),
      )
      .reverse(),
    newest: tables.map((table) => prepared<Range, Row>(rows(table, 'DESC'))).reverse(),
    remove: tables.map((table) => prepared<[number], void>(`DELETE FROM ${table} WHERE id = ?`)),
    removeUpTo: tables.map((table) => prepared<[number], void>(`DELETE FROM ${table} WHERE id <= ?`)),
    removeAll: tables.map((table) => prepared<[], void>(`DELETE FROM ${table}`)),
    newestEarlier: prepared<[number], number | null>('SELECT max(at_ms) FROM earlier WHERE at_ms <= ?').pluck(),
    isEmpty: prepared<[], number>('SELECT NOT EXISTS (SELECT * FROM look)').pluck(),
  };

  checkKeyFile();
  /** Wall times of the entries that are read. */
  let kept: readonly [oldestMs: number, newestMs: number] = everything;
  /** Keys by hour, with the rows that they came from: another process may erase them. */
  const known = new Map<string, { readonly wrapped: Buffer; readonly key: Buffer }>();
  const place = (id: number, atMs: number): string[] => ['look', entryFormat, String(id), String(atMs)];

  return {
    append(entries) {
      if (entries.length === 0) return [];
      // The last batch was minutes ago: its pages are read again, so damage of the card is noticed.
      guarded(() => database.pragma('shrink_memory'));
      return guarded(() =>
        database
          .transaction(() => {
            const lastId = sql.lastId.get() ?? 0;
            const ids = entries.map((entry, index) => {
              const id = lastId + 1 + index;
              const atMs = Math.round(entry.wallMs);
              sql.add.run(id, atMs, seal(keyOf(atMs, true)!, encodeEntry(entry), place(id, atMs)));
              return id;
            });
            sql.setLastId.run(lastId + entries.length);
            for (const statement of sql.removeUpTo) statement.run(lastId + entries.length - maxEntries);
            return ids;
          })
          .immediate(),
      );
    },
    recent(last) {
      const newest = guarded(() => sql.newest.flatMap((statement) => statement.all(0, ...kept, last)));
      return newest.slice(0, last).flatMap(open).reverse();
    },
    *newestFirst() {
      for (const statement of sql.before) {
        for (let id = Number.MAX_SAFE_INTEGER; ; ) {
          const rows = guarded(() => statement.all(id, ...kept, smallPage));
          for (const row of rows) yield* open(row);
          if (rows.length < smallPage) break;
          id = rows.at(-1)!.id;
        }
      }
    },
    *since(fromMs) {
      for (const rows of pages(Math.max(Math.ceil(fromMs), kept[0]), kept[1])) yield* rows.flatMap(open);
    },
    find(id) {
      const [row] = guarded(() => sql.first.flatMap((statement) => statement.all(id - 1, ...kept, 1)));
      return (row?.id === id && open(row)[0]) || null;
    },
    forget(person) {
      guarded(() => {
        database.pragma('secure_delete = ON');
        database.pragma('synchronous = FULL');
        for (const rows of pages(...everything)) {
          // An entry that does not open may be about this person, so it is erased too.
          const theirs = rows.filter((row) => open(row).every((entry) => isAbout(entry, person)));
          database
            .transaction(() => {
              for (const { id } of theirs) for (const statement of sql.remove) statement.run(id);
            })
            .immediate();
        }
        database.pragma('secure_delete = FAST');
        database.pragma('synchronous = OFF');
      });
    },
    prune(olderThanMs) {
      kept = [Math.ceil(olderThanMs), wallMs() + dayMs];
      const [oldest, newest] = kept;
      // What expired cannot be opened without the key of its hour.
      const expired = guarded(() => sql.hourKeys.all()).filter((name) => {
        const startMs = Number(name.slice('hour '.length)) * hourMs;
        return startMs + hourMs <= oldest || startMs > newest;
      });
      const isRotated = guarded(() => sql.isEmpty.get() === 0 && (sql.newestEarlier.get(newest) ?? 0) < oldest);
      if (expired.length === 0 && !isRotated) return;
      guarded(() =>
        database
          .transaction(() => {
            for (const name of expired) sql.removeKey.run(name);
            if (isRotated) database.exec(rotation);
          })
          .immediate(),
      );
      for (const name of expired) known.delete(name);
    },
    close: () => void database.close(),
    [Symbol.dispose]: () => void database.close(),
  };

  /** Under another key file no entry can be opened: all are erased, and their ids are not reused. */
  function checkKeyFile(): void {
    try {
      guarded(() =>
        database
          .transaction(() => {
            const wrapped = sql.key.get('key');
            if (wrapped !== undefined && keys.unwrap(wrapped, owner) !== null) return;
            if (wrapped !== undefined)
              onDamage(`${path} belongs to another key file and was replaced by an empty file`);
            for (const statement of sql.removeAll) statement.run();
            for (const name of sql.hourKeys.all()) sql.removeKey.run(name);
            sql.setKey.run('key', keys.create(owner).wrapped);
          })
          .immediate(),
      );
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** The key of the entries of the hour of `atMs`; null where there is none and `isNew` is not set. */
  function keyOf(atMs: number, isNew: boolean): Buffer | null {
    const hour = `hour ${Math.floor(atMs / hourMs)}`;
    const wrapped = sql.key.get(hour);
    const cached = known.get(hour);
    if (wrapped !== undefined && cached?.wrapped.equals(wrapped)) return cached.key;
    const key = wrapped === undefined ? null : keys.unwrap(wrapped, `${owner}${hour}`);
    if (wrapped !== undefined && key !== null) known.set(hour, { wrapped, key });
    if (key !== null || !isNew) return key;
    const created = keys.create(`${owner}${hour}`);
    sql.setKey.run(hour, created.wrapped);
    known.set(hour, created);
    return created.key;
  }

  function* pages(oldestMs: number, newestMs: number): Generator<Row[]> {
    let id = 0;
    for (const statement of sql.first) {
      while (true) {
        const rows = guarded(() => statement.all(id, oldestMs, newestMs, page));
        const last = rows.at(-1);
        if (last === undefined) break;
        id = last.id;
        yield rows;
      }
    }
  }

  /** Empty if the seal does not open: the entry is damaged or was moved from another row. */
  function open({ id, atMs, sealed }: Row): JournalEntry[] {
    const key = keyOf(atMs, false);
    const bytes = key && unseal(key, sealed, place(id, atMs));
    return bytes === null ? [] : [{ id, wallMs: atMs, ...decodeEntry(bytes) }];
  }
}

// The file of the entries. It is separate from the gallery, because it is written all day and only matters for one day. A power cut may
// lose its last minutes. A file that is damaged or of another format is replaced, never repaired.

/** File name of the entries inside the store's directory. */
const journalDatabaseName = 'looks.sqlite';

/** The file and what SQLite may put beside it. */
export const journalFiles: readonly string[] = ['', '-journal', '-wal', '-shm'].map(
  (end) => `${journalDatabaseName}${end}`,
);

/** `user_version` of this format. A file with any other value is emptied. */
const format = 3;

/** The tables of entries, earlier ones first. */
const tables = ['earlier', 'look'] as const;

// `at_ms` is wall time; `sealed` is an entry of codec.ts, bound to its row. An id is never reused.
const columns = 'id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, sealed BLOB NOT NULL';
const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('last_id', 0);
  CREATE TABLE earlier (${columns}) STRICT;
  CREATE TABLE look (${columns}) STRICT;
`;

/** Removes all earlier entries when the last of them expired. To delete them one by one would write each page twice more. */
const rotation = `
  DROP TABLE earlier;
  ALTER TABLE look RENAME TO earlier;
  CREATE TABLE look (${columns}) STRICT;
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
  translated(join(directory, journalDatabaseName), () => {
    for (const name of journalFiles) rmSync(join(directory, name), { force: true });
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
    // A write-ahead log would write every page twice. A rollback journal holds only the few pages that are changed, not those that
    // are added, and a batch every few minutes locks out no reader.
    database.pragma('journal_mode = TRUNCATE');
    // The daemon must not wait for a slow card, and a power cut may cost the entries of the day: damage is found by the check below
    // and by the seals. What is forgotten is synced.
    database.pragma('synchronous = OFF');
    // Erasing the pages of yesterday's entries would write them once more. The key of their hour is erased instead.
    database.pragma('secure_delete = FAST');
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
    newestFirst: () => sorted().reverse(),
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
