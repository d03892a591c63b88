// A gallery on a disk that cannot be written (full, read-only) is still read: from a private copy in memory, since SQLite needs
// space for its log even to read. Every change is refused with the reason.
import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fail, RoomkinError } from '../base/errors.js';
import { databaseName, migrate, openDatabase, type SqlDatabase } from './database.js';

export interface OpenedDatabase {
  readonly database: SqlDatabase;
  /** Why nothing can be changed; null where everything can. */
  readonly unwritable: RoomkinError | null;
}

/** Codes that say that a disk cannot be written; the data on it may be fine. */
const diskCodes = /^(SQLITE_(FULL|IOERR|READONLY|CANTOPEN)|ENOSPC|EDQUOT|EROFS|EIO)/;

/** As `openDatabase`; a copy in memory where the disk cannot be written and the gallery can be read. Errors: DATABASE. */
export function openReadableDatabase(directory: string): OpenedDatabase {
  try {
    return { database: openDatabase(directory), unwritable: null };
  } catch (error) {
    const cause = error instanceof RoomkinError ? (error.cause as { code?: unknown } | undefined) : undefined;
    const copy = diskCodes.test(String(cause?.code)) ? openCopy(join(directory, databaseName)) : null;
    if (copy === null) throw error;
    return { database: copy, unwritable: reasonOf(directory, error as RoomkinError) };
  }
}

/** SQLite reports a full or read-only disk under many codes. The file system says which it is. */
function reasonOf(directory: string, error: RoomkinError): RoomkinError {
  const path = join(directory, databaseName);
  try {
    accessSync(directory, constants.W_OK);
    if (statfsSync(directory).bavail > 0) return error;
    return fail('DATABASE', `${path}: the disk is full: free some space`, error.cause);
  } catch (cause) {
    const isReadOnly = (cause as NodeJS.ErrnoException).code === 'EROFS';
    return isReadOnly
      ? fail('DATABASE', `${path}: the disk is read-only: see \`dmesg\`, remount it`, error.cause)
      : error;
  }
}

/** Whether the database can be opened for writing now. */
export function isWritable(directory: string): boolean {
  try {
    openDatabase(directory).close();
    return true;
  } catch {
    return false;
  }
}

/** The gallery at `path` with its log; null where it cannot be read. Nothing of the copy stays behind. */
function openCopy(path: string): SqlDatabase | null {
  let folder: string | null = null;
  try {
    if (statSync(path).size === 0) return null;
    folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'roomkin-'));
    const copy = join(folder, databaseName);
    copyFileSync(path, copy);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    const database = new Database(copy);
    // One file without a log, which can be unlinked while it is open.
    database.pragma('journal_mode = DELETE');
    database.pragma('journal_mode = MEMORY');
    database.pragma('temp_store = MEMORY');
    migrate(database, path);
    return database;
  } catch {
    return null;
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
  }
}
