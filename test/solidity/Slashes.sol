// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {ISlashingManager} from "../../contracts/interfaces/ISlashingManager.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Stakes} from "./Stakes.sol";

/// @dev Stakes, and what takes them: proofs by `REPORTER`, cases that `ACCUSER` proposes and `JUDGE` decides.
abstract contract Slashes is Stakes {
    uint64 internal constant JUDGE_ROLE = 4;
    uint256 internal constant SIGNER_KEY = 0x51610;
    uint256 internal constant PAYER = 0xA11CE;
    uint256 internal constant STAKE = 10_000 * UNIT;
    uint256 internal constant WINDOW = 3 days;
    uint256 internal constant JUDGE_TIME = 14 days;
    uint256 internal constant EXECUTE_TIME = 7 days;
    address internal constant JUDGE = address(0x70D6);
    address internal constant ACCUSER = address(0xACC5);

    ISlashingManager internal slashing;

    function _openSlashes() internal {
        _openStakes();
        slashing = ISlashingManager(_newManager());
        _letSlash(address(slashing));
        _letJudge();
        bytes4[] memory setting = new bytes4[](1);
        setting[0] = ISlashingManager.setParams.selector;
        _byAdmin(abi.encodeCall(authority.setTargetFunctionRole, (address(slashing), setting, PARAMS_ROLE)));
        for (uint256 i; i < 2; i++) {
            address who = i == 0 ? OWNER : ACCUSER;
            heu.transfer(who, 100_000 * UNIT);
            vm.prank(who);
            heu.approve(address(slashing), type(uint256).max);
        }
    }

    function _newManager() internal returns (address) {
        address code = vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking));
        bytes memory initialize = abi.encodeWithSignature(
            "initialize(address,(uint96,uint16,uint16,uint40,uint40))", authority, _params()
        );
        return vm.deployCode("UpgradeableProxy.sol:UpgradeableProxy", abi.encode(code, initialize));
    }

    function _letJudge() internal {
        bytes4[] memory judging = new bytes4[](1);
        judging[0] = ISlashingManager.resolve.selector;
        _byAdmin(abi.encodeCall(authority.setTargetFunctionRole, (address(slashing), judging, JUDGE_ROLE)));
        _byAdmin(abi.encodeCall(authority.grantRole, (JUDGE_ROLE, JUDGE, 0)));
    }

    function _params() internal pure returns (ISlashingManager.Params memory) {
        return ISlashingManager.Params({
            leastBond: uint96(100 * UNIT),
            bondBps: 1_000,
            reporterBps: 1_000,
            evidenceSeconds: 7 days,
            disputeSeconds: uint40(WINDOW)
        });
    }

    // --------------------------------------------------------------------------------------------------- proofs

    function _request() internal view returns (Messages.Request memory request) {
        (request.payer, request.id, request.pod) = (vm.addr(PAYER), keccak256("id"), 1);
        (request.maxPrice, request.deadline) = (1_000, uint40(block.timestamp + 1 hours));
    }

    function _receipt(bytes32 request, uint128 price) internal view returns (Messages.Receipt memory receipt) {
        (receipt.request, receipt.node, receipt.price) = (request, NODE, price);
        (receipt.length, receipt.output, receipt.completedAt) = (5, keccak256("hello"), uint40(block.timestamp));
    }

    function _signed(Messages.Receipt memory receipt) internal view returns (bytes memory) {
        return _sign(SIGNER_KEY, Messages.hash(receipt));
    }

    /// @dev Two receipts for one request, of different prices; proven by `REPORTER`.
    function _equivocate(bytes32 request) internal returns (uint256) {
        (Messages.Receipt memory a, Messages.Receipt memory b) = (_receipt(request, 1), _receipt(request, 2));
        (bytes memory signatureA, bytes memory signatureB) = (_signed(a), _signed(b));
        vm.prank(REPORTER);
        return slashing.proveEquivocation(a, signatureA, b, signatureB);
    }

    // ---------------------------------------------------------------------------------------------------- cases

    function _propose(uint256 amount) internal returns (uint256) {
        return _propose(NODE, amount);
    }

    function _propose(uint32 node, uint256 amount) internal returns (uint256) {
        uint32 epoch = Epochs.current();
        vm.prank(ACCUSER);
        return slashing.propose(node, epoch, amount, keccak256("evidence"));
    }

    function _dispute(uint256 id) internal {
        vm.prank(OWNER);
        slashing.dispute(id);
    }

    function _resolve(uint256 id, bool upheld) internal {
        vm.prank(JUDGE);
        slashing.resolve(id, upheld);
    }

    function _frozen() internal view returns (uint256) {
        return staking.stakeOf(NODE).frozen;
    }

    function _is(uint256 id, ISlashingManager.State state) internal view {
        vm.assertEq(uint256(slashing.caseOf(id).state), uint256(state), "state");
    }

    function _refusedState(ISlashingManager.State actual, ISlashingManager.State asked)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(ISlashingManager.NotInState.selector, actual, asked);
    }
}
