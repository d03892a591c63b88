// roomkin evaluate: how good the shipped pipeline is on pictures whose people are known.
import type { Command } from './command.js';
import { evaluateArguments, evaluateUsage } from './evaluate/arguments.js';
import { evaluateHousehold } from './evaluate/households-verb.js';
import { evaluatePairs } from './evaluate/pairs-verb.js';

export const command: Command = {
  usage: evaluateUsage,
  summary: 'Measure recognition on pictures of known people.',
  async run(argv, io) {
    const given = evaluateArguments(argv);
    await (given.protocol === 'pairs' ? evaluatePairs(given, io) : evaluateHousehold(given, io));
  },
};
