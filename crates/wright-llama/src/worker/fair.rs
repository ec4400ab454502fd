//! Who gets how much of a decode when several clients are served by it.
//!
//! Pure: clients get equal shares of what is computed, whatever number of requests each has. What a client does not use
//! goes to the others, so nothing is left idle while somebody waits.

use std::collections::BTreeMap;

use wright_provider::ClientId;

/// A candidate that waits for its next token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writer {
    /// Whose it is.
    pub(super) client: ClientId,
    /// The decode that served it last.
    pub(super) last_step: u64,
}

/// Deals `room` tokens of a decode to requests that read, given whose each is and how many tokens it has left. Clients get
/// equal parts; a client's own requests are served in their order. `turn` decides who is first when there is not even one
/// token for each.
pub(super) fn deal_room(mut room: usize, wants: &[(ClientId, usize)], turn: u64) -> Vec<usize> {
    let mut dealt = vec![0; wants.len()];
    loop {
        let clients = in_turn(clients_without_enough(wants, &dealt), turn);
        if clients.is_empty() || room == 0 {
            return dealt;
        }
        let share = (room / clients.len()).max(1);
        for client in clients {
            let mut left = share.min(room);
            room -= left;
            for (got, &(owner, want)) in dealt.iter_mut().zip(wants) {
                if owner == client {
                    let more = left.min(want - *got);
                    *got += more;
                    left -= more;
                }
            }
            room += left;
        }
    }
}

/// Returns the clients that were not dealt all they want, each once.
fn clients_without_enough(wants: &[(ClientId, usize)], dealt: &[usize]) -> Vec<ClientId> {
    let mut clients: Vec<ClientId> =
        wants.iter().zip(dealt).filter(|((_, want), got)| *got < want).map(|((client, _), _)| *client).collect();
    clients.sort();
    clients.dedup();
    clients
}

/// Lets a different client be the first at each turn.
fn in_turn(mut clients: Vec<ClientId>, turn: u64) -> Vec<ClientId> {
    let n_clients = clients.len().max(1) as u64;
    clients.rotate_left((turn % n_clients) as usize);
    clients
}

/// Returns which of the candidates write in the next decode, in rising order: as many of each client as of the one that
/// has the fewest, those first that waited longest. A client alone has all of its own.
pub(super) fn take_turns(writers: &[Writer]) -> Vec<usize> {
    let mut by_client: BTreeMap<ClientId, Vec<usize>> = BTreeMap::new();
    for (idx, writer) in writers.iter().enumerate() {
        by_client.entry(writer.client).or_default().push(idx);
    }
    let n_each = by_client.values().map(Vec::len).min().unwrap_or(0);
    let mut chosen = Vec::new();
    for mut own in by_client.into_values() {
        own.sort_by_key(|&idx| writers[idx].last_step);
        chosen.extend(own.into_iter().take(n_each));
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dealt(room: usize, wants: &[(u64, usize)]) -> Vec<usize> {
        let wants: Vec<(ClientId, usize)> = wants.iter().map(|&(client, want)| (ClientId(client), want)).collect();
        deal_room(room, &wants, 0)
    }

    fn chosen(writers: &[(u64, u64)]) -> Vec<usize> {
        let writer = |&(client, last_step): &(u64, u64)| Writer { client: ClientId(client), last_step };
        take_turns(&writers.iter().map(writer).collect::<Vec<_>>())
    }

    #[test]
    fn a_client_alone_gets_all_the_room_in_the_order_of_its_requests() {
        assert_eq!(dealt(64, &[(1, 40), (1, 40)]), [40, 24]);
    }

    #[test]
    fn two_clients_get_half_each_however_many_requests_one_has() {
        assert_eq!(dealt(64, &[(1, 500), (1, 500), (1, 500), (2, 500)]), [32, 0, 0, 32]);
    }

    #[test]
    fn what_one_client_does_not_need_goes_to_the_others() {
        assert_eq!(dealt(64, &[(1, 4), (2, 500), (3, 500)]), [4, 30, 30]);
        assert_eq!(dealt(64, &[(1, 1), (2, 2)]), [1, 2]);
    }

    #[test]
    fn with_less_room_than_clients_each_is_served_in_turn() {
        let wants: Vec<(ClientId, usize)> = (0..3).map(|client| (ClientId(client), 9)).collect();
        let by_turn: Vec<Vec<usize>> = (0..3).map(|turn| deal_room(1, &wants, turn)).collect();
        assert_eq!(by_turn, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    }

    #[test]
    fn all_the_room_is_dealt_and_nobody_gets_more_than_wanted() {
        for room in 0..40 {
            for turn in 0..5 {
                let wants: Vec<(ClientId, usize)> =
                    (0..7).map(|idx| (ClientId(idx % 3), (idx as usize * 5) % 11)).collect();
                let dealt = deal_room(room, &wants, turn);
                let n_wanted: usize = wants.iter().map(|&(_, want)| want).sum();
                assert_eq!(dealt.iter().sum::<usize>(), room.min(n_wanted));
                assert!(dealt.iter().zip(&wants).all(|(got, (_, want))| got <= want));
            }
        }
    }

    #[test]
    fn all_candidates_of_a_client_alone_share_a_decode() {
        assert_eq!(chosen(&[(1, 0), (1, 0), (1, 5)]), [0, 1, 2]);
    }

    #[test]
    fn a_client_with_many_candidates_writes_no_more_than_one_with_a_single_one() {
        assert_eq!(chosen(&[(1, 7), (1, 6), (1, 8), (2, 8)]), [1, 3]);
    }

    #[test]
    fn candidates_of_a_client_take_turns() {
        let mut last_steps = [0u64; 4];
        let mut n_served = [0; 4];
        for step in 1..=30 {
            let writers: Vec<(u64, u64)> =
                last_steps.iter().enumerate().map(|(idx, &last)| (u64::from(idx == 3), last)).collect();
            for idx in chosen(&writers) {
                last_steps[idx] = step;
                n_served[idx] += 1;
            }
        }
        assert_eq!(n_served, [10, 10, 10, 30]);
    }
}
