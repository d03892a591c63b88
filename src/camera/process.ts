// Keeps a camera program running. A program that cannot start, exits, stalls or sends no whole frames is ended and started
// again after a growing delay, without limit. Only `stop` and the end of a file end it. Where the input turns out to be an address of
// single pictures, these are polled instead.
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../base/clock.js';
import { frameMemory } from '../base/frame-memory.js';
import type { Log } from '../base/log.js';
import { createMailbox } from '../base/mailbox.js';
import { createBackoff } from '../base/retry.js';
import type { Camera, Frame } from './camera.js';
import { type CameraChild, type ProgramExit, spawnCameraChild } from './child.js';
import { createFrameRing } from './frame-ring.js';
import { createFrameSplitter, createPipeReader } from './frame-splitter.js';
import type { CameraOptions, CameraProgram } from './options.js';
import { pollSnapshots } from './polling.js';
import { createCameraReport } from './report.js';
import { notAPicture } from './snapshot-address.js';
import { turned } from './turn.js';

export function createProcessCamera(program: CameraProgram, options: CameraOptions, clock: Clock, log: Log): Camera {
  const { timings } = options;
  const report = createCameraReport(log);
  const ring = createFrameRing();
  /** For the frame that the reader has, where it has to be turned. */
  let turnedFrame: Uint8Array = new Uint8Array(0);
  const freeTurned = (): void => {
    turnedFrame.fill(0);
    frameMemory().free(turnedFrame);
    turnedFrame = new Uint8Array(0);
  };
  const turnMemory = (bytes: number): Uint8Array => {
    if (turnedFrame.length === bytes) return turnedFrame;
    freeTurned();
    turnedFrame = frameMemory().allocate(bytes);
    return turnedFrame;
  };
  /** The frame as the reader gets it. */
  const taken = (frame: Frame): Frame => {
    ring.take();
    return turned(frame, program.turn, turnMemory);
  };
  let mailbox = createMailbox<Frame>();
  mailbox.end();
  let stopping = new AbortController();
  let running: Promise<void> | null = null;

  /** One run of the program, from its start until all of its processes are gone. */
  async function runOnce(signal: AbortSignal, argv: readonly string[]): Promise<ProgramRun> {
    const startedAt = clock.monotonicMs();
    let lastFrameAt: number | null = null;
    let frames = 0;
    let bytesSinceFrame = 0;
    let stalled: string | null = null;

    const splitter = createFrameSplitter(options.width, options.height, program.rowAlignments, ring);
    const reader = createPipeReader(
      splitter,
      options.framerate,
      () => clock.monotonicMs(),
      ({ data, width, height, stride, lastByteAtMs, skipped }) => {
        if (signal.aborted || stalled) return;
        lastFrameAt = lastByteAtMs;
        frames += skipped + 1;
        bytesSinceFrame = 0;
        const sequence = report.frame(skipped);
        ring.publish();
        mailbox.put({ capturedAt: lastByteAtMs, sequence, width, height, format: 'i420', stride, data });
        report.drops(mailbox.drops);
        report.online();
      },
      (bytes) => {
        report.torn();
        log('debug', 'camera: bytes that form no whole frame were dropped', { bytes, frameBytes: splitter.frameBytes });
      },
    );
    const child: CameraChild = spawnCameraChild({
      argv,
      env: program.env,
      stdin: program.stdin,
      graceMs: timings.graceMs,
      onData: (chunk) => {
        if (signal.aborted || stalled) return;
        bytesSinceFrame += chunk.length;
        reader.push(chunk);
      },
      onLine: (line) => {
        const size = program.sizeIn(line);
        if (size) splitter.resize(size.width, size.height);
        log('debug', `camera: ${program.redact(line)}`);
      },
    });
    const lines = (): string[] => child.lastLines.map(program.redact);

    const timeoutMs = (): number => {
      const stallMs = Math.max(options.stallMs, 3000 / options.framerate);
      return lastFrameAt === null ? Math.max(timings.openMs, stallMs) : stallMs;
    };
    // The age of the last frame decides: the program of a dead sensor goes on running without a message.
    const watchdog = setInterval(
      () => {
        const ageMs = clock.monotonicMs() - (lastFrameAt ?? startedAt);
        if (ageMs < timeoutMs() || stalled) return;
        const why = program.explainStall(lines()) ?? describeSilence(bytesSinceFrame, splitter.frameBytes);
        stalled = `no frame for ${Math.round(ageMs / 100) / 10} s: ${why}`;
        report.failed(stalled);
        void child.end();
      },
      Math.min(500, timeoutMs() / 4),
    );
    const onAbort = (): void => void child.end();
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });

    const exit = await child.exited;
    clearInterval(watchdog);
    signal.removeEventListener('abort', onAbort);
    if (!signal.aborted && !stalled) reader.end();
    return {
      exit,
      // A single picture passes as a video of one frame, or of none. A stream that stalls is a stream.
      isVideo: frames > 1 || stalled !== null,
      over: program.ends && exit.code === 0 && !stalled,
      reason: stalled ?? program.explain(exit, lines()),
      steady: lastFrameAt !== null && clock.monotonicMs() - startedAt >= timings.steadyMs,
    };
  }

  /** One period of polling. null: the address gives no pictures. */
  async function poll(signal: AbortSignal): Promise<Run | null> {
    if (program.snapshots === null) return null;
    const { width, height, snapshotMs } = options;
    const startedAt = clock.monotonicMs();
    const { fault, gavePicture } = await pollSnapshots(
      program.snapshots,
      options,
      clock,
      signal,
      (data, capturedAt) => {
        if (!report.status.snapshots) {
          report.snapshots(true);
          log(
            'notice',
            `camera: the address gives one picture for each request; it is asked every ${snapshotMs / 1000} s`,
          );
        }
        const sequence = report.frame(0);
        mailbox.put({ capturedAt, sequence, width, height, format: 'rgb', stride: 3 * width, data });
        report.drops(mailbox.drops);
        report.online();
      },
    );
    if (!gavePicture && !report.status.snapshots) return null;
    const why = program.explainStall([program.redact(fault)]) ?? program.redact(fault);
    return {
      over: false,
      reason: `the snapshot address gives no picture: ${why}`,
      steady: gavePicture && clock.monotonicMs() - startedAt >= timings.steadyMs,
    };
  }

  async function open(signal: AbortSignal): Promise<Run> {
    if (report.status.snapshots) {
      const polled = await poll(signal);
      if (polled !== null && !signal.aborted) {
        // It may be a stream from now on, or may have been one all the time that was busy.
        if (polled.reason.includes(notAPicture)) report.snapshots(false);
        return polled;
      }
    }
    const programRun = await runProgram(signal);
    if (signal.aborted || programRun.isVideo || programRun.exit.code === null) return programRun;
    return (await poll(signal)) ?? programRun;
  }

  /** Runs the first of the program's commands that is installed. */
  async function runProgram(signal: AbortSignal): Promise<ProgramRun> {
    let programRun: ProgramRun | null = null;
    for (const command of program.commands) {
      programRun = await runOnce(signal, [...command, ...program.args]);
      if (programRun.exit.spawnError !== 'ENOENT') return programRun;
    }
    return programRun!;
  }

  async function run(signal: AbortSignal): Promise<void> {
    const reopening = createBackoff({ firstMs: timings.reopenMs, mostMs: timings.reopenMostMs });
    while (!signal.aborted) {
      const programRun = await open(signal);
      if (signal.aborted) return;
      if (programRun.over) {
        mailbox.end();
        report.ended('the video is over');
        return;
      }
      if (programRun.steady) reopening.reset();
      const waitMs = reopening.failed();
      report.failed(programRun.reason);
      log('debug', 'camera: waiting before it is opened again', { waitMs });
      await delay(waitMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) report.reopened();
    }
  }

  async function stop(): Promise<void> {
    if (running && !stopping.signal.aborted) report.ended('stopped');
    stopping.abort();
    mailbox.discard();
    await running;
    ring.release();
  }

  return {
    start() {
      if (running && !stopping.signal.aborted) return;
      const previousRun = running;
      const controller = new AbortController();
      stopping = controller;
      mailbox = createMailbox<Frame>();
      report.starting();
      running = (async () => {
        await previousRun;
        await run(controller.signal);
      })();
    },
    async next() {
      ring.giveBack();
      const frame = await mailbox.take();
      if (frame === null) freeTurned();
      return frame && taken(frame);
    },
    newer() {
      const frame = mailbox.exchange();
      report.drops(mailbox.drops);
      return frame && taken(frame);
    },
    get status() {
      return report.status;
    },
    onState: report.onState,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface Run {
  readonly over: boolean;
  readonly reason: string;
  /** Whether it gave frames and ran for `steadyMs`, so that the delay starts again at `reopenMs`. */
  readonly steady: boolean;
}

interface ProgramRun extends Run {
  readonly exit: ProgramExit;
  readonly isVideo: boolean;
}

function describeSilence(bytes: number, frameBytes: number): string {
  if (bytes === 0) return 'the camera sends nothing; it is opened again';
  return (
    `${bytes} bytes came, but no whole frame of ${frameBytes} bytes: ` +
    'lower [camera] framerate, width or height, or reduce the load of this machine'
  );
}
