// Whether XNNPACK works on this machine, found out in a process of its own: where it cannot start (no /sys, no
// /proc/cpuinfo) the binding dereferences null, and nothing survives that.
import { existsSync } from 'node:fs';
import type { Log } from '../base/log.js';
import { childPath, startChild } from './child-process.js';
import type { LoadOptions } from './protocol.js';
import { delegatePluginPath } from './runtime.js';

export interface Delegate {
  /** What to load; null: run without. */
  readonly path: string | null;
  /** Why there is none; null where there is one. */
  readonly reason: string | null;
}

const probeMs = 60_000;

/**
 * Loads both models with the delegate and runs the embedder once, in a process that ends right away.
 * Never throws: whatever goes wrong is the reason to run without.
 */
export async function probeDelegate(
  options: Omit<LoadOptions, 'delegatePath'>,
  log: Log,
  path: string = childPath,
  plugin: string = delegatePluginPath,
): Promise<Delegate> {
  if (!existsSync(plugin)) return { path: null, reason: 'the XNNPACK plug-in is not built: npm rebuild needs gcc' };
  const child = startChild(path, log);
  try {
    await child.ask({ type: 'load', options: { ...options, delegatePath: plugin } }, probeMs);
    return { path: plugin, reason: null };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { path: null, reason: `XNNPACK did not start: ${why}` };
  } finally {
    await child.end();
  }
}
