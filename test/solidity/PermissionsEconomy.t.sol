// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {INodeStaking} from "../../contracts/interfaces/INodeStaking.sol";
import {ISlashingManager} from "../../contracts/interfaces/ISlashingManager.sol";
import {Abis} from "./Abis.sol";
import {Economies} from "./Economies.sol";

/// @dev 75, 77, 78 and 79 of the protocol's test list for stakes, cases, emission, burns, votes and locks, with every role
///      of a deployment given to an account of its own.
contract PermissionsEconomyTest is Economies, Abis {
    uint64 private constant SLASHER_ROLE = 7;
    bytes4 private constant UPGRADE = bytes4(keccak256("upgradeToAndCall(address,bytes)"));
    bytes4 private constant SET_AUTHORITY = bytes4(keccak256("setAuthority(address)"));
    bytes32 private constant CODE_SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;
    uint256 private constant DEPOSIT = 10_000e18;

    ISlashingManager private slashing;

    function setUp() public {
        _openEconomy();
        slashing = ISlashingManager(_proxy(_slashingCode(), _bornWith(_slashingParams())));
        bytes[] memory calls = new bytes[](5);
        calls[0] = _roleOf(address(slashing), ISlashingManager.setParams.selector, PARAMS_ROLE);
        calls[1] = _roleOf(address(slashing), ISlashingManager.resolve.selector, JUDGE_ROLE);
        bytes4[] memory selectors = new bytes4[](3);
        (selectors[0], selectors[1]) = (INodeStaking.freeze.selector, INodeStaking.release.selector);
        selectors[2] = INodeStaking.slash.selector;
        calls[2] = abi.encodeCall(authority.setTargetFunctionRole, (address(staking), selectors, SLASHER_ROLE));
        calls[3] = abi.encodeCall(authority.grantRole, (SLASHER_ROLE, address(slashing), 0));
        calls[4] = abi.encodeCall(authority.revokeRole, (TUNER_ROLE, address(this)));
        for (uint256 i; i < calls.length; i++) {
            _byAdmin(address(authority), calls[i]);
        }
    }

    // ------------------------------------------------------------------------------------------------- 75: by the ABI

    function test_75_stakesHaveTheseFunctionsAndNoOther() public view {
        _are(
            "out/NodeStaking.sol/NodeStaking.json",
            "stake(uint32,uint256) stakeWithPermit(uint32,uint256,uint256,uint8,bytes32,bytes32) requestUnbond(uint32,uint256) cancelUnbond(uint32) withdraw(uint32,address) claim(address)",
            "freeze(uint32,uint256) release(uint32,uint256) slash(uint32,uint256,address,uint256,address,uint256) setAuthority(address)"
        );
    }

    function test_75_casesHaveTheseFunctionsAndNoOther() public view {
        _are(
            "out/SlashingManager.sol/SlashingManager.json",
            "propose(uint32,uint32,uint256,bytes32) dispute(uint256) execute(uint256) lapse(uint256) claim(address) initialize(address,(uint96,uint16,uint16,uint40,uint40)) proveEquivocation((bytes32,uint32,uint64,uint64,uint64,uint8,uint128,bytes32,bytes32,uint40),bytes,(bytes32,uint32,uint64,uint64,uint64,uint8,uint128,bytes32,bytes32,uint40),bytes) proveContradiction((address,bytes32,uint32,bytes32,uint32,uint32,uint128,uint40,bytes32),(address,uint128,uint40,bytes32),bytes,(bytes32,uint32,uint64,uint64,uint64,uint8,uint128,bytes32,bytes32,uint40),bytes)",
            "resolve(uint256,bool) setParams((uint96,uint16,uint16,uint40,uint40)) setAuthority(address) upgradeToAndCall(address,bytes)"
        );
    }

    function test_75_theEmissionHasTheseFunctionsAndNoOther() public view {
        _are(
            "out/EmissionController.sol/EmissionController.json",
            "setTip(uint32,uint16) setHome(uint32,address) record(uint32,uint32[]) recordBase(uint32,uint32,uint256,bytes32[]) finalize(uint32) claim(uint32[]) challenge(uint32) lapse(uint32) addBond(uint256) withdrawBond(uint256) initialize(address,(uint16,uint16,uint16,uint16,uint16,uint64))",
            "report(uint32,bytes32,bytes32) judge(uint32,bool) setParams((uint16,uint16,uint16,uint16,uint16,uint64)) drawTips(uint32) setAuthority(address) upgradeToAndCall(address,bytes)"
        );
    }

    function test_75_theBurnerHasTheseFunctionsAndNoOther() public view {
        _are(
            "out/FeeBurner.sol/FeeBurner.json",
            "gather(address) settle() buy(uint256,address) buyCarried(uint256,address) initialize(address,uint256)",
            "setAuthority(address) upgradeToAndCall(address,bytes)"
        );
    }

    function test_75_votesAndLocksHaveNoPrivilegedFunction() public view {
        _are(
            "out/VoteController.sol/VoteController.json",
            "vote(uint8,uint32[],uint16[]) voteBoth(uint32[],uint16[],uint32[],uint16[]) roll(uint8,uint32) closeRevenue(address,uint32) closeTips(uint32) claimRevenue(address,uint32[],address) claimTips(uint32[],address)",
            ""
        );
        _are(
            "out/VotingEscrow.sol/VotingEscrow.json",
            "lock(uint256,uint32) lockWithPermit(uint256,uint32,uint256,uint8,bytes32,bytes32) lockFor(address,uint256) withdraw() checkpoint()",
            ""
        );
    }

    // ------------------------------------------------------------------------------------------------ 75: by the roles

    /// @dev Every privileged function, by every account that has a role or a part, its own role's holder excepted.
    function test_75_everyPrivilegedFunctionRefusesEveryOtherRole() public {
        _matrix(address(staking), INodeStaking.freeze.selector, address(slashing));
        _matrix(address(staking), INodeStaking.release.selector, address(slashing));
        _matrix(address(staking), INodeStaking.slash.selector, address(slashing));
        _matrix(address(slashing), ISlashingManager.resolve.selector, JUDGE);
        _matrix(address(slashing), ISlashingManager.setParams.selector, ADMIN);
        _matrix(address(emission), IEmissionController.report.selector, PROBER);
        _matrix(address(emission), IEmissionController.judge.selector, JUDGE);
        _matrix(address(emission), IEmissionController.setParams.selector, address(0));
        address[4] memory managed = [address(staking), address(slashing), address(emission), address(burner)];
        for (uint256 i; i < managed.length; i++) {
            _matrix(managed[i], SET_AUTHORITY, address(authority));
            if (i > 0) _matrix(managed[i], UPGRADE, ADMIN);
        }
    }

    /// @dev The holder gets as far as the function's own questions, at once or after its delay.
    function test_75_itsOwnRolePassesAndOnlyThenTheFunctionAsks() public {
        staking.stake(1, DEPOSIT);
        vm.prank(address(slashing));
        staking.freeze(1, 1e18);
        vm.assertEq(staking.stakeOf(1).frozen, 1e18, "frozen");
        vm.prank(address(slashing));
        staking.release(1, 1e18);
        vm.assertEq(staking.stakeOf(1).frozen, 0, "released");
        vm.expectPartialRevert(ISlashingManager.NotInState.selector);
        vm.prank(JUDGE);
        slashing.resolve(1, true);
        ISlashingManager.Params memory next = _slashingParams();
        next.disputeSeconds = 4 days;
        _byAdmin(address(slashing), abi.encodeCall(slashing.setParams, (next)));
        vm.assertEq(slashing.params().disputeSeconds, 4 days, "set");
    }

    /// @dev What nobody's role can do: draw the tips of a node's voters.
    function test_75_onlyTheVotesDrawTips() public {
        address[] memory all = _everybody();
        for (uint256 i; i < all.length; i++) {
            if (all[i] == address(votes)) continue;
            vm.expectRevert(abi.encodeWithSelector(IEmissionController.NotVotes.selector, all[i]));
            vm.prank(all[i]);
            emission.drawTips(1);
        }
        vm.prank(address(votes));
        emission.drawTips(1);
    }

    // -------------------------------------------------------------------------------------------------- 77: upgrades

    function test_77_everyUpgradeWaitsItsDelayAndStakesVotesAndLocksHaveNone() public {
        address[3] memory proxies = [address(slashing), address(emission), address(burner)];
        address[3] memory codes = [_slashingCode(), address(0), address(0)];
        codes[1] = vm.deployCode(
            "EmissionController.sol:EmissionController", abi.encode(heu, ledger, registry, votes, staking, burner)
        );
        codes[2] = vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, LEAST_LOT));
        for (uint256 i; i < proxies.length; i++) {
            bytes memory call = abi.encodeWithSelector(UPGRADE, codes[i], "");
            bytes32 before = vm.load(proxies[i], CODE_SLOT);
            vm.prank(ADMIN);
            authority.schedule(proxies[i], call, 0);
            vm.warp(block.timestamp + UPGRADE_DELAY - 1);
            vm.expectPartialRevert(IAccessManager.AccessManagerNotReady.selector);
            vm.prank(ADMIN);
            authority.execute(proxies[i], call);
            vm.assertEq(vm.load(proxies[i], CODE_SLOT), before, "the old code until then");
            vm.warp(block.timestamp + 1);
            vm.prank(ADMIN);
            authority.execute(proxies[i], call);
            vm.assertEq(vm.load(proxies[i], CODE_SLOT), bytes32(uint256(uint160(codes[i]))), "the new code");
        }
        address[3] memory fixed_ = [address(staking), address(votes), address(escrow)];
        for (uint256 i; i < fixed_.length; i++) {
            vm.prank(address(authority));
            (bool ok,) = fixed_[i].call(abi.encodeWithSelector(UPGRADE, codes[0], ""));
            vm.assertFalse(ok, "no such function");
            vm.assertEq(vm.load(fixed_[i], CODE_SLOT), bytes32(0), "no proxy");
        }
    }

    // ------------------------------------------------------------------------------------------ 78, 79: by the bytecode

    function test_78_onlyUpgradesDelegateAndNothingDestroysOrAsksForTheOrigin() public view {
        string[4] memory immutables = [
            "NodeStaking.sol:NodeStaking",
            "VoteController.sol:VoteController",
            "VotingEscrow.sol:VotingEscrow",
            "Lens.sol:Lens"
        ];
        for (uint256 i; i < immutables.length; i++) {
            Opcodes memory found = _opcodes(immutables[i]);
            vm.assertEq(found.forbidden + found.delegating, 0, immutables[i]);
        }
        string[4] memory upgradeable = [
            "EmissionController.sol:EmissionController",
            "FeeBurner.sol:FeeBurner",
            "SlashingManager.sol:SlashingManager",
            "Registry.sol:Registry"
        ];
        for (uint256 i; i < upgradeable.length; i++) {
            Opcodes memory found = _opcodes(upgradeable[i]);
            vm.assertEq(found.forbidden, 0, upgradeable[i]);
            vm.assertEq(found.delegating, 1, string.concat(upgradeable[i], ": into the new code, with an upgrade"));
        }
    }

    function test_79_nothingTakesValueAndNothingCallsItselfInBatches() public {
        string[3] memory immutables = ["NodeStaking", "VoteController", "VotingEscrow"];
        for (uint256 i; i < immutables.length; i++) {
            vm.assertEq(_payables(_artifact(immutables[i]), ""), 0, immutables[i]);
        }
        string[3] memory upgradeable = ["SlashingManager", "EmissionController", "FeeBurner"];
        for (uint256 i; i < upgradeable.length; i++) {
            vm.assertEq(_payables(_artifact(upgradeable[i]), "upgradeToAndCall"), 0, upgradeable[i]);
        }
        address[6] memory all =
            [address(staking), address(slashing), address(emission), address(burner), address(votes), address(escrow)];
        vm.deal(EVE, 1 ether);
        for (uint256 i; i < all.length; i++) {
            vm.prank(EVE);
            (bool ok,) = all[i].call{value: 1}("");
            vm.assertFalse(ok, "value came in");
            vm.assertEq(all[i].balance, 0, "value stayed");
        }
    }

    /// @dev The Authority alone takes batches: they carry no value, no rights but the caller's, and nothing counts twice.
    function test_79_aBatchForTheAuthorityCarriesNoValueNoRightsAndNothingTwice() public {
        ISlashingManager.Params memory next = _slashingParams();
        next.reporterBps = 500;
        bytes memory set = abi.encodeCall(slashing.setParams, (next));
        bytes[] memory batch = new bytes[](1);
        batch[0] = abi.encodeCall(authority.grantRole, (ADMIN_ROLE, EVE, 0));
        vm.deal(EVE, 1 ether);
        vm.assertFalse(_multicall(EVE, batch, 0), "rights of its own");
        batch[0] = abi.encodeCall(authority.execute, (address(slashing), set));
        vm.assertFalse(_multicall(EVE, batch, 0), "nor through execute");
        vm.prank(ADMIN);
        authority.schedule(address(slashing), set, 0);
        vm.warp(block.timestamp + UPGRADE_DELAY);
        vm.deal(ADMIN, 1 ether);
        vm.assertFalse(_multicall(ADMIN, batch, 1), "no value");
        bytes[] memory twice = new bytes[](2);
        (twice[0], twice[1]) = (batch[0], batch[0]);
        vm.assertFalse(_multicall(ADMIN, twice, 0), "nothing twice");
        vm.assertEq(slashing.params().reporterBps, 1_000, "nothing happened so far");
        vm.assertTrue(_multicall(ADMIN, batch, 0), "once");
        vm.assertEq(slashing.params().reporterBps, 500, "what was scheduled");
        vm.assertFalse(_multicall(ADMIN, batch, 0), "and not again");
    }

    // -------------------------------------------------------------------------------------------------------- private

    function _multicall(address caller, bytes[] memory batch, uint256 value) private returns (bool ok) {
        vm.prank(caller);
        (ok,) = address(authority).call{value: value}(abi.encodeWithSignature("multicall(bytes[])", batch));
    }

    function _artifact(string memory name) private pure returns (string memory) {
        return string.concat("out/", name, ".sol/", name, ".json");
    }

    /// @param open Signatures with a space between.
    function _are(string memory artifact, string memory open, string memory privileged) private view {
        _onlyThese(artifact, _words(open), _words(privileged));
    }

    /// @dev Zeros are arguments that every one of these functions can read.
    /// @param holder Whom it does not refuse for what it is; nobody if zero.
    function _matrix(address target, bytes4 selector, address holder) private {
        bytes memory call = selector == UPGRADE
            ? abi.encodeWithSelector(UPGRADE, address(1), "")
            : abi.encodePacked(selector, new bytes(192));
        address[] memory all = _everybody();
        uint256 refused;
        for (uint256 i; i < all.length; i++) {
            vm.prank(all[i]);
            (bool ok, bytes memory why) = target.call(call);
            bool isRefusal = !ok && keccak256(why) == keccak256(abi.encodeWithSelector(UNAUTHORIZED, all[i]));
            vm.assertTrue(isRefusal == (all[i] != holder), vm.toString(all[i]));
            if (isRefusal) refused++;
        }
        vm.assertEq(refused, all.length - (holder == address(0) ? 0 : 1), "the holder is among them");
    }

    /// @dev Every role's holder, every contract, the owner of the nodes, the router and a stranger.
    function _everybody() private view returns (address[] memory all) {
        all = new address[](16);
        (all[0], all[1], all[2], all[3]) = (EVE, ADMIN, GUARDIAN, PROBER);
        (all[4], all[5], all[6], all[7]) = (JUDGE, router, address(this), address(authority));
        (all[8], all[9], all[10]) = (address(ledger), address(bonds), address(registry));
        (all[11], all[12], all[13]) = (address(votes), address(emission), address(burner));
        (all[14], all[15]) = (address(slashing), address(staking));
    }

    function _byAdmin(address target, bytes memory call) private {
        vm.prank(ADMIN);
        authority.schedule(target, call, 0);
        vm.warp(block.timestamp + UPGRADE_DELAY);
        vm.prank(ADMIN);
        authority.execute(target, call);
    }

    function _roleOf(address target, bytes4 selector, uint64 role) private view returns (bytes memory) {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        return abi.encodeCall(authority.setTargetFunctionRole, (target, selectors, role));
    }

    function _slashingCode() private returns (address) {
        return vm.deployCode("SlashingManager.sol:SlashingManager", abi.encode(ledger, staking));
    }

    function _bornWith(ISlashingManager.Params memory params) private view returns (bytes memory) {
        return abi.encodeWithSignature("initialize(address,(uint96,uint16,uint16,uint40,uint40))", authority, params);
    }

    function _slashingParams() private pure returns (ISlashingManager.Params memory) {
        return ISlashingManager.Params({
            leastBond: 100e18, bondBps: 1_000, reporterBps: 1_000, evidenceSeconds: 7 days, disputeSeconds: 3 days
        });
    }
}
