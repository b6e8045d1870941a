// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Papers
/// @notice What one account voted for one target: the vote in force, and every one before it.
/// @dev A vote is 48 bits: basis points 16 (low) | number of the lock it was cast with 16 | first epoch 16; epochs stay below
///      2^16 until the year 3226. Five of them share a slot, newest lowest; the 16 bits above say how many full slots were
///      put away before. So most changes of a vote cost no new slot, and none is ever lost.
library Papers {
    uint256 private constant VOTE = 48;
    uint256 private constant FIFTH = 4 * VOTE;
    uint256 private constant COUNT = 5 * VOTE;

    struct Paper {
        uint256 newest;
        mapping(uint256 number => uint256) past;
    }

    /// @dev Goes from the newest vote to the oldest.
    struct Walk {
        uint256 word;
        uint256 left;
    }

    /// @return bps Zero: no vote.
    /// @return number Of the lock.
    /// @return from Its first epoch.
    function read(uint256 vote) internal pure returns (uint256 bps, uint256 number, uint256 from) {
        return (uint16(vote), uint16(vote >> 16), uint16(vote >> 32));
    }

    /// @notice Replaces the newest vote if that has the same first epoch; else comes before it.
    /// @param newest The paper's slot, which the caller has read.
    function put(Paper storage paper, uint256 newest, uint256 bps, uint256 number, uint256 from) internal {
        uint256 vote = bps | number << 16 | from << 32;
        uint256 count = newest >> COUNT << COUNT;
        if (uint16(newest >> 32) == from) {
            newest = newest >> VOTE << VOTE;
        } else if (uint48(newest >> FIFTH) == 0) {
            newest = count | uint256(uint240(newest)) << VOTE;
        } else {
            paper.past[newest >> COUNT] = newest;
            newest = count + (1 << COUNT);
        }
        paper.newest = newest | vote;
    }

    function begin(Paper storage paper) internal view returns (Walk memory) {
        uint256 newest = paper.newest;
        return Walk(uint240(newest), newest >> COUNT);
    }

    /// @return bps All zero behind the oldest vote.
    function next(Paper storage paper, Walk memory walk)
        internal
        view
        returns (uint256 bps, uint256 number, uint256 from)
    {
        if (walk.word == 0 && walk.left != 0) {
            walk.left -= 1;
            walk.word = uint240(paper.past[walk.left]);
        }
        (bps, number, from) = read(walk.word);
        walk.word >>= VOTE;
    }
}
