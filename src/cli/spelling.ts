const command =
  /(?<![\w/-])redistill (?=(?:run|resume|stop|pause|logs|service|status|report|sample|export|init|models|notify|doctor|backup|restore|gc|verify|memory)\b)/g;

/**
 * Commands as this user must type them: in a clone, where npm started us, `redistill` is not on the
 * PATH and npx finds it.
 */
export function spelled(text: string, env: NodeJS.ProcessEnv = process.env): string {
  return env.npm_command === undefined ? text : text.replace(command, "npx redistill ");
}
