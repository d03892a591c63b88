// The position of the privacy switch on disk, with a copy in memory. A file of its own with a fixed length, which is overwritten in place: this needs no
// free space, so a full disk cannot lose "off". SQLite would need space for its log.
import { closeSync, constants, fsync, openSync, readFileSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { giveToOwnerOf } from './keyring.js';

export type Position = 'on' | 'off';

export interface StoredPosition {
  /** What was set last. */
  readonly position: Position;
  /** What the broker acknowledged last; null before the first acknowledgement. */
  readonly published: Position | null;
}

export interface PositionFile {
  /** null where there is none. A damaged one says "off". */
  read(): StoredPosition | null;
  /**
   * Writes at once: when the function returns, the position outlives this process. Resolves when it is on the disk, which may
   * take seconds, and rejects with errors of the file system.
   */
  write(stored: StoredPosition): Promise<void>;
}

/** File name inside the store's directory. */
export const positionFileName = 'recognition';

/** Two words of 3 characters and a line end, 8 bytes: one sector, so a power cut leaves the old or the new text. */
const words: Readonly<Record<Position, string>> = { on: 'on ', off: 'off' };
const neverPublished = '-  ';

/**
 * `copyPath` is a second file in memory that survives a restart of the service, for a disk that cannot be written. It is written
 * first, and its errors do not count. A position is "off" if one of the two says so.
 */
export function createPositionFile(directory: string, copyPath: string | null = null): PositionFile {
  const path = join(directory, positionFileName);
  return {
    read() {
      const stored = readPosition(path);
      const copy = copyPath === null ? null : readPosition(copyPath);
      if (stored === null || copy === null) return stored ?? copy;
      return {
        position: stored.position === 'off' || copy.position === 'off' ? 'off' : 'on',
        published: stored.published === copy.published ? stored.published : null,
      };
    },
    async write(stored) {
      if (copyPath !== null) writeCopy(copyPath, stored);
      await writePosition(path, stored);
    },
  };
}

function readPosition(path: string): StoredPosition | null {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    // A file that exists and cannot be read may say "off".
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return { position: 'off', published: null };
  }
  const [, position, published] = /^(on|off) +(on|off|-) *\n$/.exec(text) ?? [];
  if (position === undefined) return { position: 'off', published: null };
  return {
    position: position as Position,
    published: published === '-' ? null : (published as Position),
  };
}

/** Writes at once and syncs later. */
async function writePosition(path: string, stored: StoredPosition): Promise<void> {
  const [file, isNew] = openForWriting(path);
  try {
    writeText(file, stored);
    if (isNew) giveToOwnerOf(dirname(path), path);
    await synced(file);
  } catch (error) {
    // An empty file would be read as "off" for ever.
    if (isNew) unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
}

const synced = promisify(fsync);

function writeText(file: number, { position, published }: StoredPosition): void {
  writeSync(file, `${words[position]} ${published === null ? neverPublished : words[published]}\n`, 0, 'latin1');
}

/** An outdated copy must not outvote the disk, so one that cannot be written is removed. */
function writeCopy(path: string, stored: StoredPosition): void {
  try {
    const [file, isNew] = openForWriting(path);
    try {
      writeText(file, stored);
    } finally {
      closeSync(file);
    }
    if (isNew) giveToOwnerOf(dirname(path), path);
  } catch {
    try {
      rmSync(path, { force: true });
    } catch {
      // An "off" in it counts at the next start, as an "off" on disk does.
    }
  }
}

/** Not O_TRUNC: the file keeps its block. */
function openForWriting(path: string): [file: number, isNew: boolean] {
  try {
    return [openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600), true];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return [openSync(path, constants.O_WRONLY), false];
  }
}
