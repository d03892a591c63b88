// Enrols two thousand made-up samples of one person into the store in argv[2], through the last steps of `enrol`. Prints JSON: how long
// the transaction took (CPU time and wall time, milliseconds), how many templates there are, and how often progress was shown.
import { chooseSamples, keepSamples } from '../../../src/commands/enrol/keep.js';
import type { NewTemplate } from '../../../src/store/store.js';
import { mixed, openTestStore, quality, space } from '../../sharing/household.js';

const samples = Array.from({ length: 2000 }, (_, n): NewTemplate => {
  return { space, vector: mixed({ ada: 0.85, [`ada#${n}`]: 0.53 }), quality, source: Buffer.from(`photo ${n}`) };
});

using store = openTestStore(process.argv[2]!);
let reports = 0;
const enrolment = { name: 'Ada', samples, space, force: false, what: 'photos' } as const;
const chosen = chooseSamples(store, enrolment, { progress: () => void reports++ });
const before = process.cpuUsage();
const startMs = performance.now();
const { templates } = store.change((changes) => keepSamples(changes, enrolment, chosen, () => {}));
const { user, system } = process.cpuUsage(before);
process.stdout.write(
  JSON.stringify({ cpuMs: (user + system) / 1000, wallMs: performance.now() - startMs, templates, reports }),
);
