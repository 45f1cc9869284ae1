/** Says that levels do not change by themselves, and why. Nothing while they do, or the server does not answer. */
import { messageOf } from '../api/client';
import { connection } from '../api/connection';
import { levelsError } from '../api/levels';
import { socketState } from '../api/socket';
import { useStore } from '../api/store';
import { Icon } from './icon';

export function LiveNotice() {
  const error = useStore(levelsError);
  const isAway = useStore(socketState) === 'away';
  const { state } = useStore(connection);
  if (state === 'lost' || (!error && !isAway)) return null;
  const [refusal] = error?.graphQLErrors ?? [];
  return (
    <div className="notice notice-warn" role="status">
      <Icon name="warning" />
      <p>
        <strong>No live levels: reload to see newer ones.</strong>{' '}
        {error && refusal ? messageOf(error) : 'The server’s WebSocket cannot be reached.'}
      </p>
    </div>
  );
}
