// The thread of the daemon that replays a day: it opens gallery and journal for itself.
import { parentPort, workerData } from 'node:worker_threads';
import { RoomkinError } from '../base/errors.js';
import { createCalibrator, journalPlace, recognitionOptions } from '../config/parts.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import { openJournalStore } from '../journal/store.js';
import { openStore } from '../store/gallery-store.js';
import { evaluateAgain, type ReplayMessage, type ReplayTask } from './replay.js';

const { config, sinceMs } = workerData as ReplayTask;
const send = (message: ReplayMessage): void => parentPort!.postMessage(message);

try {
  using store = openStore(config.store);
  using journal = openJournalStore(journalPlace(config));
  journal.prune(Date.now() - config.privacy.looksKeptMs);
  const { space } = chooseEmbedder(readManifest(), config.embedder.id);
  const sources = {
    config,
    store,
    space: () => space,
    journal: () => journal,
    gallery: () => createCalibrator(config, space, recognitionOptions(config)).calibrated(store.gallery(space)),
  };
  const work = { signal: new AbortController().signal, progress: (text: string) => send({ type: 'progress', text }) };
  send({ type: 'result', result: await evaluateAgain(sinceMs, sources, work) });
} catch (error) {
  if (!(error instanceof RoomkinError)) throw error;
  send({ type: 'error', code: error.code, message: error.message });
}
