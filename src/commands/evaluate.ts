// roomkin evaluate: the error rates of the shipped pipeline on pictures of known people.
import type { CommandIo } from './command.js';
import { evaluateHousehold } from './evaluate/households-verb.js';
import { evaluatePairs } from './evaluate/pairs-verb.js';
import type { Given } from './verbs.js';

export async function run(given: Given<'evaluate'>, io: CommandIo): Promise<void> {
  await (given.protocol === 'pairs' ? evaluatePairs(given, io) : evaluateHousehold(given, io));
}
