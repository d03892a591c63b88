// Writes settings of the gallery in a thread of its own. A commit waits for the disk several times, and on a worn-out card each wait
// takes seconds. The daemon must not stand still so long. This file is also the program of the thread.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { sentenceOf } from '../base/errors.js';
import { truncateLog } from './database.js';

export interface SettingWriter extends Disposable {
  /** Writes one sealed value, or removes it. Errors: those of SQLite, with their code. Wait for one write before the next. */
  write(key: string, sealed: string | null): Promise<void>;
}

interface Order {
  readonly key: string;
  readonly sealed: string | null;
}

/** null: written. */
type Answer = { readonly code: string; readonly message: string } | null;

interface ThreadData {
  readonly galleryPath: string;
}

/** The thread ends after this time without a write, milliseconds: settings change rarely, and a thread takes 10 MB. */
const idleMs = 5_000;

export function createSettingWriter(galleryPath: string): SettingWriter {
  let thread: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;

  function end(): void {
    clearTimeout(idle);
    void thread?.terminate();
    thread = null;
  }

  return {
    async write(key, sealed) {
      clearTimeout(idle);
      thread ??= new Worker(new URL(import.meta.url), { workerData: { galleryPath } satisfies ThreadData });
      const present = thread;
      present.unref();
      const answer = await new Promise<Answer>((resolve) => {
        const failed = (error: unknown): void => resolve({ code: 'SQLITE_THREAD', message: sentenceOf(error) });
        const exited = (): void => failed('the thread that writes settings has ended');
        present.once('error', failed).once('exit', exited);
        present.once('message', (message: Answer) => {
          present.off('error', failed).off('exit', exited);
          resolve(message);
        });
        present.postMessage({ key, sealed } satisfies Order);
      });
      // After an error another thread, with another connection, tries again.
      if (answer === null) idle = setTimeout(end, idleMs).unref();
      else end();
      if (answer !== null) throw Object.assign(new Error(answer.message), { code: answer.code });
    },
    [Symbol.dispose]: end,
  };
}

function serve({ galleryPath }: ThreadData): void {
  parentPort?.on('message', ({ key, sealed }: Order) => {
    let answer: Answer = null;
    try {
      // The connection is closed after each write: the file may be replaced by a snapshot, and an open one keeps it.
      const database = new Database(galleryPath, { timeout: 5000, fileMustExist: true });
      try {
        database.pragma('synchronous = FULL');
        database.pragma('secure_delete = ON');
        if (sealed === null) database.prepare('DELETE FROM setting WHERE key = ?').run(key);
        else
          database
            .prepare('INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
            .run(key, sealed);
        // A setting can name a person (`announced`).
        truncateLog(database);
      } finally {
        database.close();
      }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'SQLITE_THREAD';
      answer = { code, message: sentenceOf(error) };
    }
    parentPort?.postMessage(answer);
  });
}

if (!isMainThread && (workerData as Partial<ThreadData> | null)?.galleryPath !== undefined)
  serve(workerData as ThreadData);
