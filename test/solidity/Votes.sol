// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IVoteController} from "../../contracts/interfaces/IVoteController.sol";
import {IVotingEscrow} from "../../contracts/interfaces/IVotingEscrow.sol";
import {IHEU} from "../../contracts/interfaces/IHEU.sol";
import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Market} from "./Market.sol";

/// @dev Hands out any tips, in any order, and may keep them: what no EmissionController should do.
contract Purse {
    IHEU public immutable heu;
    uint256 public kept;
    bytes private _callBack;
    mapping(uint32 node => uint32[]) private _epochs;
    mapping(uint32 node => uint256[]) private _amounts;

    constructor(IHEU heu_) {
        heu = heu_;
    }

    function add(uint32 node, uint32 epoch, uint256 amount) external {
        _epochs[node].push(epoch);
        _amounts[node].push(amount);
    }

    /// @dev So much less than it owes is handed out.
    function keep(uint256 amount) external {
        kept = amount;
    }

    /// @dev What it asks of its caller before it hands anything out.
    function callBack(bytes calldata call) external {
        _callBack = call;
    }

    function drawTips(uint32 node) external returns (uint32[] memory epochs, uint256[] memory amounts) {
        if (_callBack.length != 0) Address.functionCall(msg.sender, _callBack);
        (epochs, amounts) = (_epochs[node], _amounts[node]);
        delete _epochs[node];
        delete _amounts[node];
        uint256 total;
        for (uint256 i; i < amounts.length; i++) {
            total += amounts[i];
        }
        heu.transfer(msg.sender, total - kept);
    }
}

/// @dev A market whose pods' voters are a VoteController, and the words to lock, vote, earn and claim with.
abstract contract Votes is Market {
    uint256 internal constant PAYER = 0xA11CE;
    address internal constant BURNER = address(0xB123);
    address internal constant ANN = address(0xA22);
    address internal constant BEN = address(0xBE2);
    address internal constant EVE = address(0xE7E);
    uint32 internal constant MOST = 104;

    IVotingEscrow internal escrow;
    IVoteController internal votes;
    Purse internal purse;

    function _openVotes() internal {
        _open();
        escrow = IVotingEscrow(vm.deployCode("VotingEscrow.sol:VotingEscrow", abi.encode(heu, true)));
        purse = new Purse(heu);
        heu.transfer(address(purse), 200_000_000e18);
        IComputeLedger.Terms memory terms = _terms();
        terms.burner = BURNER;
        terms.podVoters = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        (ledger, bonds) = _newLedger(terms, LEAST_ASSET, LEAST_HEU);
        votes = IVoteController(
            vm.deployCode("VoteController.sol:VoteController", abi.encode(escrow, ledger, purse))
        );
        _bond(router, LEAST_ASSET, LEAST_HEU);
        _register(4, 4, 1);
        _deposit(PAYER, 5_000e6);
    }

    // ---------------------------------------------------------------------------------------------------- time

    /// @dev The first second of the epoch that comes `epochs` after this one.
    function _wait(uint32 epochs) internal {
        vm.warp(Epochs.startOf(Epochs.current() + epochs));
    }

    function _after(uint32 epochs) internal view returns (uint32) {
        return Epochs.current() + epochs;
    }

    // --------------------------------------------------------------------------------------------------- votes

    /// @dev Adds `amount` to the account's lock and lets it end in `end`; gives it the HEU first.
    function _lock(address account, uint256 amount, uint32 end) internal {
        heu.transfer(account, amount);
        vm.startPrank(account);
        heu.approve(address(escrow), type(uint256).max);
        escrow.lock(amount, end);
        vm.stopPrank();
    }

    function _ids(uint32 a) internal pure returns (uint32[] memory ids) {
        ids = new uint32[](1);
        ids[0] = a;
    }

    function _ids(uint32 a, uint32 b) internal pure returns (uint32[] memory ids) {
        ids = new uint32[](2);
        (ids[0], ids[1]) = (a, b);
    }

    function _bps(uint16 a) internal pure returns (uint16[] memory bps) {
        bps = new uint16[](1);
        bps[0] = a;
    }

    function _bps(uint16 a, uint16 b) internal pure returns (uint16[] memory bps) {
        bps = new uint16[](2);
        (bps[0], bps[1]) = (a, b);
    }

    function _vote(address account, Ballot ballot, uint32 id, uint16 bps) internal {
        vm.prank(account);
        votes.vote(ballot, _ids(id), _bps(bps));
    }

    function _vote(address account, Ballot ballot, uint32[] memory ids, uint16[] memory bps) internal {
        vm.prank(account);
        votes.vote(ballot, ids, bps);
    }

    // ------------------------------------------------------------------------------------------------- rewards

    /// @dev The router settles calls of a pod now.
    function _earn(uint32 pod, uint256 gross) internal {
        Draft memory draft = _draft(_line(PAYER, gross));
        draft.pods = _one(pod, gross);
        _settle(_pack(draft));
    }

    /// @dev What `_earn` of one epoch leaves to the pod's voters.
    function _revenue(uint256 gross) internal pure returns (uint256) {
        return gross * VOTER_BPS / 10_000;
    }

    function _claimPod(address account, uint32 pod) internal returns (uint256) {
        vm.prank(account);
        return votes.claimRevenue(router, _ids(pod), account);
    }

    function _claimNode(address account, uint32 node) internal returns (uint256) {
        vm.prank(account);
        return votes.claimTips(_ids(node), account);
    }
}
