// One daemon a state directory. The lock is a file lock (fcntl, through SQLite) that the kernel releases when the process ends, in
// whatever way. A text file beside it says who holds it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fail, oneLine } from '../base/errors.js';
import { makePrivate } from './database.js';

const lockName = 'daemon.lock';
const holderName = 'daemon.room';

export interface DirectoryLock extends Disposable {
  /** The room of the daemon that had the directory before, as it was given; null where there was none. */
  readonly former: string | null;
  release(): void;
}

/**
 * Locks `directory` for the daemon of `room`, at once. null where the disk gives no lock (it is full or read-only): the daemon then
 * runs without it. Errors: DIRECTORY_IN_USE.
 */
export function lockDirectory(directory: string, room: string): DirectoryLock | null {
  const path = join(directory, lockName);
  let database: Database.Database | null = null;
  try {
    makePrivate(directory, path);
    // Nothing is ever written to it, not even a journal, so a full disk does not matter once it exists.
    database = new Database(path, { timeout: 0 });
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_BUSY') return null;
    const holder = readHolder(directory);
    if (holder === null || holder.room === room)
      throw fail(
        'DAEMON_RUNNING',
        `a roomkin daemon already runs with ${directory}${holder === null ? '' : ` (room ${holder.room}, process ${holder.pid})`}: stop it first`,
      );
    const owner = `the daemon of room ${holder.room} (process ${holder.pid})`;
    throw fail(
      'DIRECTORY_IN_USE',
      `${directory} is in use by ${owner}: give room ${room} a [store] directory of its own`,
    );
  }
  const former = readHolder(directory)?.room ?? null;
  try {
    writeFileSync(join(directory, holderName), `${room} ${process.pid}\n`, { mode: 0o600 });
  } catch {
    // The lock holds all the same. A second daemon then cannot say which room has it.
  }
  const held = database;
  let isHeld = true;
  const release = (): void => {
    if (!isHeld) return;
    isHeld = false;
    held.close();
  };
  return { former, release, [Symbol.dispose]: release };
}

function readHolder(directory: string): { readonly room: string; readonly pid: string } | null {
  try {
    const [room = '', pid = ''] = readFileSync(join(directory, holderName), 'utf8').trim().split(' ');
    return room === '' ? null : { room: oneLine(room, 64), pid: oneLine(pid, 20) };
  } catch {
    return null;
  }
}
