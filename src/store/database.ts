// Opens the SQLite file of the gallery. It survives a power cut (WAL, synchronous=FULL) and overwrites deleted data (secure_delete).
// Migrations only go forward, in one transaction. A file from a newer roomkin is left untouched.
import { chmodSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fail, RoomkinError } from '../base/errors.js';
import { giveToOwnerOf } from './keyring.js';
import { migrations } from './schema.js';

export type SqlDatabase = Database.Database;

/** File name of the gallery inside the store's directory. */
export const databaseName = 'gallery.sqlite';

/** Opens `directory/gallery.sqlite`. Creates the folder (mode 0700) and the file (0600) if they are missing. Errors: DATABASE. */
export function openDatabase(directory: string): SqlDatabase {
  const path = join(directory, databaseName);
  return translated(path, () => {
    makePrivate(directory, path);
    const database = new Database(path, { timeout: 5000 });
    try {
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
      database.pragma('secure_delete = ON');
      migrate(database, path);
      checkIntegrity(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Moves the write-ahead log into the database and truncates it, so that deleted data is in neither. False if another process kept
 * reading for 5 s.
 */
export function truncateLog(database: SqlDatabase): boolean {
  const [result] = database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  return result?.busy === 0;
}

/** Runs `work`. Turns an error of SQLite or the file system into DATABASE with a sentence that says what to do. */
export function translated<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw translate(path, cause);
  }
}

/** Brings the tables of `database` to the present version. Errors: DATABASE where a newer roomkin wrote it. */
export function migrate(database: SqlDatabase, path: string): void {
  const versionOf = (): number => database.pragma('user_version', { simple: true }) as number;
  if (versionOf() === migrations.length) return;
  const run = database.transaction(() => {
    // Check again under the write lock: another process may have migrated meanwhile.
    const from = versionOf();
    if (from > migrations.length) {
      const sentence = `${path} was written by a newer roomkin (schema ${from}, this one knows ${migrations.length})`;
      throw fail('DATABASE', `${sentence}: upgrade roomkin; nothing was changed`);
    }
    for (const step of migrations.slice(from)) database.exec(step);
    database.exec("UPDATE meta SET value = 'unwritten' WHERE key = 'roster'");
    database.pragma(`user_version = ${migrations.length}`);
  });
  run.immediate();
}

/**
 * Reads every page and compares the indexes with their tables. 1 ms for 12 people with 40 templates each, so also a verb can do it.
 * Errors: SQLITE_CORRUPT.
 */
export function checkIntegrity(database: SqlDatabase): void {
  const result = database.pragma('integrity_check(1)', { simple: true });
  if (result !== 'ok') throw new Database.SqliteError(`${result}`, 'SQLITE_CORRUPT');
}

/**
 * Creates `directory` (mode 0700) and `path` (0600) if they are missing. SQLite gives -wal and -shm the mode and (as root) the owner of
 * the database file, so only the database file is created here.
 */
export function makePrivate(directory: string, path: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
    giveToOwnerOf(directory, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  const { mode, uid } = statSync(path);
  const user = process.geteuid?.();
  if ((mode & 0o077) !== 0 && (user === 0 || user === uid)) chmodSync(path, 0o600);
}

/** What to do with a damaged gallery that no snapshot replaces. */
export const startAgain = 'move it and its key file away, then `roomkin import` a backup or enrol again';

const advice: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'another process keeps it locked: try again',
  SQLITE_FULL: 'the disk is full: free some space',
  SQLITE_CORRUPT: `it is damaged: ${startAgain}`,
  SQLITE_NOTADB: `it is not a gallery or it is damaged: ${startAgain}`,
  SQLITE_ERROR: `its tables are damaged: ${startAgain}`,
  SQLITE_READONLY: 'writing is not permitted: run as the user the daemon runs as, or with sudo',
  SQLITE_CANTOPEN: 'opening is not permitted: run as the user the daemon runs as, or with sudo',
  // The shared-memory file beside the log cannot grow.
  SQLITE_IOERR_SHMSIZE: 'the disk is full: free some space',
  SQLITE_IOERR: 'the disk reports errors: see `dmesg`, and import an exported gallery on a new card',
  EACCES: 'opening is not permitted: run as the user the daemon runs as, or with sudo',
  EPERM: 'opening is not permitted: run as the user the daemon runs as, or with sudo',
  ENOTDIR: 'its folder is a file: set [store] directory',
  EEXIST: 'its folder is a file: set [store] directory',
  EROFS: 'the file system is read-only: set [store] directory',
  ENOSPC: 'the disk is full: free some space',
};

function translate(path: string, cause: unknown): unknown {
  if (cause instanceof RoomkinError || !(cause instanceof Error) || !('code' in cause)) return cause;
  const code = String(cause.code);
  const known = Object.keys(advice).find((key) => code === key || code.startsWith(`${key}_`));
  if (known) return fail('DATABASE', `${path}: ${advice[known]} (${code})`, cause);
  const outside = code.startsWith('SQLITE_') || 'syscall' in cause;
  return outside ? fail('DATABASE', `${path}: ${cause.message} (${code})`, cause) : cause;
}
