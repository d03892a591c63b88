export interface Config {
  readonly placeholder: never;
}
