// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IEmissionController} from "../../contracts/interfaces/IEmissionController.sol";
import {IFeeBurner} from "../../contracts/interfaces/IFeeBurner.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Economies} from "./Economies.sol";

/// @dev Who may do what with the reserve and the burner: births, roles, upgrades.
contract EmissionRightsTest is Economies {
    bytes4 internal constant UNAUTHORIZED = bytes4(keccak256("AccessManagedUnauthorized(address)"));
    bytes4 internal constant INITIALIZED = bytes4(keccak256("InvalidInitialization()"));

    function setUp() public {
        _openEconomy();
    }

    function test_onlyTheTunerSetsParameters() public {
        IEmissionController.Params memory params = _params();
        address[5] memory others = [EVE, ADMIN, PROBER, JUDGE, GUARDIAN];
        for (uint256 i; i < others.length; i++) {
            vm.expectRevert();
            vm.prank(others[i]);
            emission.setParams(params);
        }
        emission.setParams(params);
    }

    function test_onlyTheJudgeJudgesAndOnlyTheProberReports() public {
        _addBonds();
        uint32 epoch = Epochs.current();
        _at(epoch, 0);
        address[3] memory others = [EVE, DOUBTER, JUDGE];
        for (uint256 i; i < others.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(UNAUTHORIZED, others[i]));
            vm.prank(others[i]);
            emission.report(epoch, "", "");
        }
        _report(epoch, "");
        _challenge(epoch);
        others[2] = PROBER;
        for (uint256 i; i < others.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(UNAUTHORIZED, others[i]));
            vm.prank(others[i]);
            emission.judge(epoch, true);
        }
    }

    function test_theUpgradeComesFromTheAdminAfterItsDelayAndKeepsEverything() public {
        uint32 epoch = _begin();
        _workFor(1, 1_000e6);
        uint256 burnt = _sellAndRecord(epoch, _ids(1));
        _finalize(epoch);
        uint256 due = emission.claimable(1);
        _upgrade(address(emission), _emissionCode());
        _upgrade(address(burner), vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, LEAST_LOT)));

        vm.assertEq(due, burnt * 3_000 / 10_000, "was due");
        vm.assertEq(emission.claimable(1), due, "is due");
        vm.assertEq(emission.reserve() + due, RESERVE, "the reserve");
        vm.assertEq(burner.burntIn(epoch), burnt, "the burn");
        vm.assertEq(burner.median(), PRICE, "the median");
        vm.assertEq(emission.claim(_ids(1)), due, "paid");
    }

    function _upgrade(address proxy, address code) private {
        bytes memory call = abi.encodeWithSignature("upgradeToAndCall(address,bytes)", code, "");
        address[4] memory others = [EVE, address(this), PROBER, JUDGE];
        for (uint256 i; i < others.length; i++) {
            vm.prank(others[i]);
            (bool done, bytes memory why) = proxy.call(call);
            vm.assertFalse(done, "others do not upgrade");
            vm.assertEq(bytes32(bytes4(why)), bytes32(UNAUTHORIZED), "refused for who they are");
        }
        vm.prank(ADMIN);
        (bool early,) = proxy.call(call);
        vm.assertFalse(early, "nor does the admin at once");
        vm.prank(ADMIN);
        authority.schedule(proxy, call, 0);
        vm.warp(block.timestamp + UPGRADE_DELAY - 1);
        vm.expectPartialRevert(IAccessManager.AccessManagerNotReady.selector);
        vm.prank(ADMIN);
        authority.execute(proxy, call);
        vm.warp(block.timestamp + 1);
        vm.prank(ADMIN);
        authority.execute(proxy, call);
    }

    function test_76_bothAreBornOnceAndTheirCodesNever() public {
        address code = _emissionCode();
        bytes memory born = _initialize(_params());
        bytes memory priced = abi.encodeWithSignature("initialize(address,uint256)", authority, PRICE);
        address[4] memory targets = [address(emission), code, address(burner), address(0)];
        targets[3] = vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, LEAST_LOT));
        for (uint256 i; i < 4; i++) {
            (bool done, bytes memory why) = targets[i].call(i < 2 ? born : priced);
            vm.assertFalse(done, "born twice");
            vm.assertEq(bytes32(bytes4(why)), bytes32(INITIALIZED), "because it was");
        }
    }

    /// @dev ERC-7201: what is first in each is not zero there.
    function test_76_theirStorageIsWhereTheirNamesSay() public view {
        vm.assertTrue(vm.load(address(emission), _slot("heurist.storage.EmissionController")) != 0, "emission");
        vm.assertTrue(vm.load(address(burner), _slot("heurist.storage.FeeBurner")) != 0, "burner");
        vm.assertTrue(vm.load(address(emission), 0) == 0 && vm.load(address(burner), 0) == 0, "nothing in slot 0");
    }

    function test_neitherIsBornWithoutWhatItNeeds() public {
        address[6] memory parts =
            [address(heu), address(ledger), address(registry), address(votes), address(staking), address(burner)];
        for (uint256 i; i < 6; i++) {
            address kept = parts[i];
            parts[i] = address(0);
            bytes memory arguments = abi.encode(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]);
            _stillborn("EmissionController.sol:EmissionController", arguments, IEmissionController.ZeroAddress.selector);
            parts[i] = kept;
        }
        _stillborn("FeeBurner.sol:FeeBurner", abi.encode(0, ledger, 1), IFeeBurner.ZeroAddress.selector);
        _stillborn("FeeBurner.sol:FeeBurner", abi.encode(heu, 0, 1), IFeeBurner.ZeroAddress.selector);
    }

    function test_neitherBeginsWithoutAnAuthorityAPriceOrAllowedParameters_ZeroPrice() public {
        address code = _emissionCode();
        address burning = vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, LEAST_LOT));
        IEmissionController.Params memory params = _params();
        bytes memory begin = abi.encodeWithSignature(
            "initialize(address,(uint16,uint16,uint16,uint16,uint16,uint64))", address(0), params
        );
        _unbegun(code, begin, IEmissionController.ZeroAddress.selector);
        params.lambdaBps = 3_001;
        _unbegun(code, _initialize(params), IEmissionController.WashingWouldPay.selector);
        begin = abi.encodeWithSignature("initialize(address,uint256)", address(0), PRICE);
        _unbegun(burning, begin, IFeeBurner.ZeroAddress.selector);
        begin = abi.encodeWithSignature("initialize(address,uint256)", authority, 0);
        _unbegun(burning, begin, IFeeBurner.ZeroPrice.selector);
    }

    function _stillborn(string memory artifact, bytes memory arguments, bytes4 error) private {
        _fails(bytes.concat(vm.getCode(artifact), arguments), error);
    }

    function _unbegun(address code, bytes memory begin, bytes4 error) private {
        _fails(bytes.concat(vm.getCode("UpgradeableProxy.sol:UpgradeableProxy"), abi.encode(code, begin)), error);
    }

    function _fails(bytes memory creation, bytes4 error) private {
        Maker maker = new Maker();
        vm.expectPartialRevert(error);
        maker.make(creation);
    }

    function _emissionCode() private returns (address) {
        bytes memory arguments = abi.encode(heu, ledger, registry, votes, staking, burner);
        return vm.deployCode("EmissionController.sol:EmissionController", arguments);
    }

    function _slot(string memory name) private pure returns (bytes32) {
        return keccak256(abi.encode(uint256(keccak256(bytes(name))) - 1)) & ~bytes32(uint256(0xff));
    }
}

/// @dev Creates, and says why it could not.
contract Maker {
    function make(bytes memory creation) external returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(creation, 32), mload(creation))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}
