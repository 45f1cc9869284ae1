/** The exit codes of all commands. What each of them means for a command is in the command's help. */
export const EXIT = {
  done: 0,
  failed: 1,
  misused: 2,
  /** As a shell reports a program that SIGINT has ended. */
  interrupted: 130,
} as const;
