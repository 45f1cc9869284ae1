// Copies the lock's Lua scripts beside the compiled code that reads them; the compiler does not.
import { cpSync } from 'node:fs';

cpSync('src/lock/lua', 'dist/src/lock/lua', { recursive: true });
