// The engine's child process: it loads both models, answers one frame after another, and ends with its parent.
//
// Invariant: only this process runs inference, so neither a blocked thread nor a crash of the runtime affects the daemon. It has no
// names and no network, keeps no picture after its answer but those that the daemon shares in memory, and writes no file.
import { sandboxVariable } from '../base/child-guard.js';
import { RoomkinError, sentenceOf } from '../base/errors.js';
import { type MemoryPlace, memoryReader } from '../base/frame-memory.js';
import { framesAddon } from '../base/frames-addon.js';
import type { Frame } from '../vision/picture.js';
import { type Analyzer, loadAnalyzer } from './analyzer.js';
import type { Answer, FromChild, LoadedInfo, Step, ToChild, WireAnalysis, WireFrame } from './protocol.js';
import { inSlices, type SlicedWork } from './slices.js';

let analyzer: Analyzer | null = null;
let readMemory: ((place: MemoryPlace) => Uint8Array) | null = null;
/** The photo that is analysed in slices. */
let paused: { readonly id: number; readonly work: SlicedWork<WireAnalysis> } | null = null;

/** The parent may end during an analysis. That is no error: `disconnect` then ends this process. */
function send(message: FromChild): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** Node writes the message to the pipe at once, although the code that called blocks the event loop. */
function progress(step: Step): void {
  const { user, system } = process.cpuUsage();
  send({ type: 'progress', step, cpuMs: (user + system) / 1000 });
}

function answer(message: ToChild): Answer {
  if (message.type === 'load') {
    analyzer = loadAnalyzer(message.options, progress);
    const { memoryFd } = message.options;
    const { addon, reason } = framesAddon();
    if (addon !== null && memoryFd !== null) readMemory = memoryReader(addon, memoryFd);
    return { type: 'loaded', info: { ...analyzer.info, ...sandbox(), addonReason: reason } };
  }
  if (analyzer === null) throw new Error('a frame arrived before the models were loaded');
  const { analyze } = analyzer;
  const { id, sliceMs } = message;
  if (message.type === 'analyze') {
    const { options } = message;
    const frame = received(message.frame);
    if (sliceMs === null) return { type: 'analyzed', id, analysis: analyze(frame, options) };
    paused = { id, work: inSlices((once) => analyze(frame, options, once)) };
  }
  if (paused?.id !== id) throw new Error('the analysis that should go on is not here');
  const { work } = paused;
  // Forgotten also where the slice fails.
  paused = null;
  if (sliceMs === null) return { type: 'paused', id };
  const end = work.goOn(sliceMs);
  if (end !== null) return { type: 'analyzed', id, analysis: end.result };
  paused = { id, work };
  return { type: 'paused', id };
}

/** The frame with its bytes, which are read in place where they are in shared memory. */
function received(frame: WireFrame): Frame {
  const { data } = frame;
  if (data instanceof Uint8Array) return { ...frame, data };
  if (readMemory === null) throw new Error('a frame is in shared memory, which this process does not have');
  return { ...frame, data: readMemory(data) };
}

/** The guard has set the sandbox before this program began. */
function sandbox(): Pick<LoadedInfo, 'sandboxed' | 'sandboxReason'> {
  const state = process.env[sandboxVariable] ?? 'its guard is not built or does not run: npm rebuild needs gcc';
  return state === 'on' ? { sandboxed: true, sandboxReason: null } : { sandboxed: false, sandboxReason: state };
}

function failed(message: ToChild, cause: unknown): Answer {
  const id = message.type === 'load' ? null : message.id;
  if (cause instanceof RoomkinError) return { type: 'failed', id, code: cause.code, sentence: cause.message };
  return {
    type: 'failed',
    id,
    code: 'ENGINE_FAILED',
    sentence: sentenceOf(cause),
  };
}

process.on('message', (message: ToChild) => {
  let reply: Answer;
  try {
    reply = answer(message);
  } catch (cause) {
    reply = failed(message, cause);
  }
  progress('answer');
  send(reply);
  // Frames are megabytes outside of the heap of V8, which would let dozens of them gather before it collects its small heap.
  setImmediate(() => globalThis.gc?.({ type: 'minor' } as never));
});

// Ctrl-C in a terminal and a stop by systemd signal the whole process group. The parent decides when this process ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// Without a listener Node opens a debugger on port 9229 when it gets this signal.
process.on('SIGUSR1', () => {});
process.on('disconnect', () => process.exit(0));
