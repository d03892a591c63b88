// The words and options of `roomkin evaluate`, checked before anything is loaded.
import { misused, parseArguments } from '../arguments.js';

export const evaluateUsage =
  'evaluate pairs --images DIR --pairs FILE [--limit N] | evaluate household --images DIR [--people N] [--references K] ' +
  '[--trials T] [--alike]; both: [--embedder ID] [--degrade low] [--seed S]';

export interface EvaluateArguments {
  readonly images: string;
  readonly embedder: string | undefined;
  readonly low: boolean;
  readonly seed: number;
  /** Pairs only: this many of them. */
  readonly limit: number | null;
  /** Household only. */
  readonly people: number;
  readonly references: number;
  readonly trials: number;
  readonly alike: boolean;
}

export type Protocol = { readonly protocol: 'pairs'; readonly pairs: string } | { readonly protocol: 'household' };

/** Reads the command line. Errors: USAGE. */
export function evaluateArguments(argv: readonly string[]): EvaluateArguments & Protocol {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArguments(argv, evaluateUsage, {
    images: text,
    pairs: text,
    limit: text,
    people: text,
    references: text,
    trials: text,
    alike: { type: 'boolean', default: false },
    seed: text,
    embedder: text,
    degrade: text,
  });
  const wrong = (why: string) => misused(evaluateUsage, why);
  const whole = (name: 'limit' | 'people' | 'references' | 'trials' | 'seed', least: number): number | null => {
    const word = values[name];
    if (word === undefined) return null;
    const value = Number(word);
    if (!/^\d{1,9}$/.test(word) || value < least) throw wrong(`--${name} is a whole number from ${least}`);
    return value;
  };
  const [protocol] = positionals;
  if (positionals.length !== 1 || (protocol !== 'pairs' && protocol !== 'household')) {
    throw wrong('evaluate what: pairs or household?');
  }
  if (values.images === undefined) throw wrong('--images DIR is needed');
  if (values.degrade !== undefined && values.degrade !== 'low') throw wrong('--degrade knows only: low');
  const foreign =
    protocol === 'pairs' ? (['people', 'references', 'trials', 'alike'] as const) : (['pairs', 'limit'] as const);
  for (const name of foreign)
    if (values[name] !== undefined && values[name] !== false) throw wrong(`--${name} is not for ${protocol}`);
  const given: EvaluateArguments = {
    images: values.images,
    embedder: values.embedder,
    low: values.degrade === 'low',
    seed: whole('seed', 0) ?? 1,
    limit: whole('limit', 1),
    people: whole('people', 1) ?? 8,
    references: whole('references', 1) ?? 5,
    trials: whole('trials', 1) ?? 100,
    alike: values.alike,
  };
  if (protocol === 'household') return { ...given, protocol };
  if (values.pairs === undefined) throw wrong('--pairs FILE is needed');
  return { ...given, protocol, pairs: values.pairs };
}
