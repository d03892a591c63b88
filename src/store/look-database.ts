// The file of the looks: apart from the gallery, because it is written every few seconds and worth one day. It may lose its last
// seconds to a pulled plug, and what is damaged or of another format is thrown away, never repaired.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { makePrivate, type SqlDatabase, translated } from './database.js';

/** File name of the looks inside the store's directory. */
export const lookDatabaseName = 'looks.sqlite';

/** What `user_version` says of this format; a file that says anything else is started afresh. */
const format = 1;

// `at_ms` is wall time; `sealed` is a look of look-code.ts, bound to its row. AUTOINCREMENT: a number is never given to another look.
const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE look (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    sealed BLOB NOT NULL
  ) STRICT;
  CREATE INDEX look_at ON look (at_ms, id);
`;

/** Whether looks were ever kept in `directory`. */
export function hasLooks(directory: string): boolean {
  return existsSync(join(directory, lookDatabaseName));
}

/**
 * Opens `directory/looks.sqlite`, making it (0600) where it is missing. A damaged one is replaced by an empty one, and
 * `onDamage` hears of it. Errors: DATABASE.
 */
export function openLookDatabase(directory: string, onDamage: (sentence: string) => void): SqlDatabase {
  const path = join(directory, lookDatabaseName);
  return translated(path, () => {
    makePrivate(directory, path);
    try {
      return opened(path);
    } catch (cause) {
      if (!isDamage(cause)) throw cause;
      eraseLookDatabase(directory);
      onDamage(`${path} was damaged and is started afresh: the faces of the last day are not explained any more`);
      makePrivate(directory, path);
      return opened(path);
    }
  });
}

/** Removes the file with all its looks. Errors: DATABASE. */
export function eraseLookDatabase(directory: string): void {
  const path = join(directory, lookDatabaseName);
  translated(path, () => {
    for (const name of [path, `${path}-wal`, `${path}-shm`]) rmSync(name, { force: true });
  });
}

/** Whether an error of SQLite says that the file itself is broken, not that it cannot be reached. */
export function isDamage(error: unknown): boolean {
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
