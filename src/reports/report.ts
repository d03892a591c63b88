// A report: a question about the gallery or the journal and its answer as plain data. The daemon answers it over its socket, for everybody who
// may open the socket. Without a daemon a verb answers it itself, for those who may read the state directory.
import type { z } from 'zod';
import type { Config } from '../config/load.js';
import type { Gallery } from '../gallery/person.js';
import type { JournalStore } from '../journal/store.js';
import type { Store } from '../store/store.js';

/** What reports are made from: the parts of the running daemon, or those that a verb has opened. */
export interface Sources {
  readonly config: Config;
  readonly store: Store;
  /** Process id of the daemon; null where a verb makes the report. */
  readonly daemon: number | null;
  /** The run of the daemon in the journal, whose tracks go on; absent where a verb makes the report. */
  readonly run?: string;
  /** The gallery of that space with the thresholds of its people. */
  gallery(): Gallery;
  /** The embedding space of the configured embedder. Errors: MODEL_MISSING, MODEL_HASH. */
  space(): string;
  /** The entries of the last day, those in memory too; null where there is no journal. Errors: DATABASE, KEY_FILE. */
  journal(): Pick<JournalStore, 'since' | 'find' | 'newestFirst'> | null;
}

/** The surroundings of a report that takes long. */
export interface Work {
  readonly signal: AbortSignal;
  progress(text: string): void;
}

export interface Report<Given extends z.ZodType, Answer extends z.ZodType> {
  /** `POST` changes something, or needs more than fits into an address. */
  readonly method: 'GET' | 'POST';
  /** The parameters: of the address for GET, of the JSON body for POST. */
  readonly given: Given;
  readonly answer: Answer;
  make(given: z.output<Given>, sources: Sources, work: Work): z.output<Answer> | Promise<z.output<Answer>>;
}

/** Infers the types of a report. */
export function report<Given extends z.ZodType, Answer extends z.ZodType>(
  definition: Report<Given, Answer>,
): Report<Given, Answer> {
  return definition;
}
