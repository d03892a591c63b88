// Steps that build on each other in one running Home Assistant: after the first that fails the others are skipped.
import t from 'tap';
import { withoutHomeAssistant } from './harness.js';

export type Step = readonly [name: string, run: () => Promise<void>];

/** Ends this program, with the reason as tap's skip, where the tools for Home Assistant are missing. */
export function skipWithoutHomeAssistant(): void {
  if (!withoutHomeAssistant) return;
  t.plan(0, withoutHomeAssistant);
  process.exit(0);
}

/** Runs `steps` in order; each is a test that says how long it took. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  let broken = false;
  for (const [name, run] of steps) {
    await t.test(name, { skip: broken && 'a step before it failed' }, async (t) => {
      const began = performance.now();
      try {
        await run();
        t.pass(`${Math.round(performance.now() - began)} ms`);
      } catch (error) {
        broken = true;
        t.fail((error as Error).message);
      }
    });
  }
}
