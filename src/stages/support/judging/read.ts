/** What a judge may say of two answers that it is shown as A and B. */
export type Choice = "A" | "B" | "tie";

/** How each kind of verdict has to be written, for the message that asks for it again. */
export const choiceForm = "A, B or tie";
export const gradeForm = (scale: number) => `one whole number from 1 to ${scale}`;

/** The choice on the last line, or null where that line is anything else. */
export function readChoice(text: string): Choice | null {
  const line = lastLine(text).toLowerCase();
  return line === "a" ? "A" : line === "b" ? "B" : line === "tie" ? "tie" : null;
}

/** The grade on the last line, from 1 to `scale`, or null where that line is anything else. */
export function readGrade(text: string, scale: number): number | null {
  const line = lastLine(text);
  if (!/^[1-9]\d{0,2}$/.test(line)) return null;
  const grade = Number(line);
  return grade <= scale ? grade : null;
}

/** Without the marks that models put around a word: **A**, "A", A. */
function lastLine(text: string): string {
  const line = text.trimEnd().split("\n").at(-1) as string;
  return line.trim().replace(/^[*_"'`]+|[*_"'`.]+$/g, "");
}
